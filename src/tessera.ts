/** The package's public entry: everything a plugin's author and a `tessera.config.ts` need. */
import type {} from './schema/builder.ts';

export { z } from 'zod';
export { type AgentDefinition, defineAgent } from './kernel/agent.ts';
export type { Embedder, EmbeddingPurpose, EmbeddingResult } from './kernel/embedder.ts';
export { DomainError, type ErrorCode, type Issue, isDomainError } from './kernel/errors.ts';
export type { RunEvent } from './kernel/events.ts';
export type { AlertNotice, HookContext, Hooks, RunOutcome } from './kernel/hooks.ts';
export type { KnowledgeSearch, SearchRequest } from './kernel/knowledge-search.ts';
export type { Log } from './kernel/log.ts';
export type {
  Message,
  ModelCall,
  ModelEvent,
  ModelInformation,
  ModelProvider,
  ModelUsage,
} from './kernel/model.ts';
export {
  type ConfiguredPlugin,
  defineConfig,
  definePlugin,
  type PluginDefinition,
  type PluginParts,
  type PluginServices,
  type SchemaBuilderForPlugins,
  type TesseraConfig,
} from './kernel/plugin.ts';
export { definePrompt, type PromptDefinition, type PromptExample } from './kernel/prompt.ts';
export type { Reranker, RerankRequest } from './kernel/reranker.ts';
export type { SearchHit } from './kernel/run.ts';
export { defineTool, type ToolContext, type ToolDefinition } from './kernel/tool.ts';
export { ToolError } from './kernel/tools/tool-error.ts';
// The built-in plugins, as `tessera.config.ts` lists them.
export { calculator } from './plugins/calculator/calculator.ts';
export { chainOfThought } from './plugins/chain-of-thought/chain-of-thought.ts';
export { clock } from './plugins/clock/clock.ts';
export { fewShot } from './plugins/few-shot/few-shot.ts';
export { httpFetch } from './plugins/http-fetch/http-fetch.ts';
export { knowledgeSearch } from './plugins/knowledge-search/knowledge-search.ts';
export { mcp } from './plugins/mcp/mcp.ts';
export { modelReranker } from './plugins/model-reranker/model-reranker.ts';
export { onnxEmbedder } from './plugins/onnx-embedder/onnx-embedder.ts';
export { questionAnswering } from './plugins/question-answering/question-answering.ts';
export { researcher } from './plugins/researcher/researcher.ts';
export { sentiment } from './plugins/sentiment/sentiment.ts';
export { summarization } from './plugins/summarization/summarization.ts';
export { weather } from './plugins/weather/weather.ts';
