import type { MessageCreateParamsBase } from '@anthropic-ai/sdk/resources/messages/messages';
import type { ModelInfo } from '@anthropic-ai/sdk/resources/models';
import { ApiError, invalidRequest } from '../api-error.ts';
import { promptTokens } from '../billing/token-estimate.ts';
import { isRecord } from '../is-record.ts';
import { checkCacheControl } from './cache-control-validation.ts';
import { checkMessages } from './message-validation.ts';
import { findModel, refusesForcedTools } from './model-catalogue.ts';
import { checkOutputSchema } from './output-schema-validation.ts';

/** A request that passed every check, with the model it names. */
export interface ValidRequest {
  body: MessageCreateParamsBase;
  model: ModelInfo;
}

const KNOWN_FIELDS = new Set(
  (
    'max_tokens messages model cache_control container diagnostics inference_geo metadata output_config service_tier ' +
    'speed stop_sequences stream system thinking tool_choice tools user_profile_id workspace_id'
  ).split(' '),
);
const SAMPLING_FIELDS = ['temperature', 'top_p', 'top_k'];
const EFFORTS = ['low', 'medium', 'high', 'xhigh', 'max'];
const TOOL_NAME = /^[a-zA-Z0-9_-]{1,128}$/;

/**
 * Checks a request as the Messages API does, in its words where they are known; throws an {@link ApiError} for
 * the first fault. `endpoint` decides whether `max_tokens` is needed; `beta` lets unknown fields pass.
 */
export function validateRequest(
  body: unknown,
  options: { endpoint: 'messages' | 'count_tokens'; beta: boolean },
): ValidRequest {
  if (!isRecord(body)) throw invalidRequest('The request body must be a JSON object.');
  for (const field of SAMPLING_FIELDS) {
    if (body[field] !== undefined)
      throw invalidRequest(`${field}: sampling parameters are not supported on this model.`);
  }
  const unknown = Object.keys(body).find((field) => !KNOWN_FIELDS.has(field));
  if (unknown !== undefined && !options.beta)
    throw invalidRequest(`${unknown}: Extra inputs are not permitted`);
  const model = checkModel(body['model']);
  if (options.endpoint === 'messages') checkMaxTokens(body['max_tokens'], model);
  if (body['stream'] !== undefined && typeof body['stream'] !== 'boolean') {
    throw invalidRequest('stream: Input should be a valid boolean');
  }
  checkSystem(body['system']);
  checkMessages(body['messages']);
  checkTools(body['tools']);
  checkToolChoice(body, model.id);
  checkThinking(body['thinking'], model);
  checkOutputConfig(body, model);
  checkStopSequences(body['stop_sequences']);
  checkCacheControl(body);

  const valid = body as unknown as MessageCreateParamsBase;
  const tokens = promptTokens(valid);
  const limit = model.max_input_tokens ?? Number.POSITIVE_INFINITY;
  if (tokens > limit)
    throw invalidRequest(`prompt is too long: ${tokens} tokens > ${limit} maximum`);
  return { body: valid, model };
}

function checkModel(id: unknown): ModelInfo {
  if (typeof id !== 'string' || id === '') throw invalidRequest('model: Field required');
  const model = findModel(id);
  if (model === undefined) throw new ApiError(404, `model: ${id}`);
  return model;
}

function checkMaxTokens(value: unknown, model: ModelInfo): void {
  if (value === undefined) throw invalidRequest('max_tokens: Field required');
  if (typeof value !== 'number' || !Number.isInteger(value)) {
    throw invalidRequest('max_tokens: Input should be a valid integer');
  }
  if (value < 1) throw invalidRequest('max_tokens: Input should be greater than or equal to 1');
  const most = model.max_tokens ?? Number.POSITIVE_INFINITY;
  if (value <= most) return;
  throw invalidRequest(
    `max_tokens: ${value} > ${most}, which is the maximum allowed number of output tokens for ${model.id}`,
  );
}

function checkSystem(system: unknown): void {
  if (system === undefined || typeof system === 'string') return;
  const fits =
    Array.isArray(system) &&
    system.every(
      (part) => isRecord(part) && part['type'] === 'text' && typeof part['text'] === 'string',
    );
  if (!fits) throw invalidRequest('system: Input should be a string or a list of text blocks');
}

function checkTools(tools: unknown): void {
  if (tools === undefined) return;
  if (!Array.isArray(tools)) throw invalidRequest('tools: Input should be a valid list');
  const names = new Set<string>();
  tools.forEach((tool: unknown, index) => {
    if (!isRecord(tool)) throw invalidRequest(`tools.${index}: Input should be an object`);
    if (tool['type'] !== undefined && tool['type'] !== null && tool['type'] !== 'custom') return;
    const name = tool['name'];
    if (typeof name !== 'string')
      throw invalidRequest(`tools.${index}.custom.name: Field required`);
    if (!TOOL_NAME.test(name)) {
      throw invalidRequest(
        `tools.${index}.custom.name: String should match pattern '${TOOL_NAME.source}'`,
      );
    }
    if (names.has(name)) throw invalidRequest('tools: Tool names must be unique.');
    names.add(name);
    const schema = tool['input_schema'];
    if (!isRecord(schema))
      throw invalidRequest(`tools.${index}.custom.input_schema: Field required`);
    if (schema['type'] !== 'object') {
      throw invalidRequest(`tools.${index}.custom.input_schema.type: Input should be 'object'`);
    }
    if (tool['strict'] === true) checkOutputSchema(schema, `tools.${index}.custom.input_schema`);
  });
}

function checkToolChoice(body: Record<string, unknown>, model: string): void {
  const choice = body['tool_choice'];
  if (choice === undefined) return;
  if (!isRecord(choice)) throw invalidRequest('tool_choice: Input should be an object');
  const type = choice['type'];
  if (type === 'auto' || type === 'none') return;
  if (type !== 'any' && type !== 'tool') {
    throw invalidRequest(
      `tool_choice: Input tag '${String(type)}' does not match any of the expected tags: 'auto', 'any', 'tool', 'none'`,
    );
  }
  if (refusesForcedTools(model)) {
    throw invalidRequest(
      `tool_choice: type '${type}' is not supported on ${model}; use 'auto' or 'none'.`,
    );
  }
  const tools: unknown[] = Array.isArray(body['tools']) ? body['tools'] : [];
  if (tools.length === 0)
    throw invalidRequest('tool_choice may only be specified while providing tools.');
  if (type === 'tool' && !tools.some((tool) => isRecord(tool) && tool['name'] === choice['name'])) {
    throw invalidRequest(
      `tool_choice.name: Tool '${String(choice['name'])}' not found in provided tools`,
    );
  }
}

function checkThinking(thinking: unknown, model: ModelInfo): void {
  if (thinking === undefined) return;
  const types = model.capabilities?.thinking.types;
  const type = isRecord(thinking) ? thinking['type'] : undefined;
  if (typeof type !== 'string' || types === undefined || !Object.hasOwn(types, type)) {
    throw invalidRequest(
      'thinking.type: Input should be adaptive, between_tools, disabled or enabled',
    );
  }
  if (!types[type as keyof typeof types].supported) {
    throw invalidRequest(`thinking.type: '${type}' is not supported on ${model.id}`);
  }
}

function checkOutputConfig(body: Record<string, unknown>, model: ModelInfo): void {
  const config = body['output_config'];
  if (config === undefined) return;
  if (!isRecord(config)) throw invalidRequest('output_config: Input should be an object');
  const { effort, format } = config as { effort?: unknown; format?: unknown };
  if (effort !== undefined && effort !== null) {
    if (!EFFORTS.includes(String(effort))) {
      throw invalidRequest(
        `output_config.effort: Input should be ${EFFORTS.map((name) => `'${name}'`).join(', ')}`,
      );
    }
    if (model.capabilities?.effort.supported === false) {
      throw invalidRequest('This model does not support the effort parameter.');
    }
  }
  if (format === undefined || format === null) return;
  if (!isRecord(format) || format['type'] !== 'json_schema' || !isRecord(format['schema'])) {
    throw invalidRequest("output_config.format: Input should be {type: 'json_schema', schema}");
  }
  checkOutputSchema(format['schema'], 'output_config.format.schema');
  if (asksForCitations(body['messages'])) {
    throw invalidRequest(
      'output_config.format: structured outputs are not supported with citations enabled.',
    );
  }
}

function asksForCitations(value: unknown): boolean {
  if (Array.isArray(value)) return value.some(asksForCitations);
  if (!isRecord(value)) return false;
  if (isRecord(value['citations']) && value['citations']['enabled'] === true) return true;
  return asksForCitations(value['content']);
}

function checkStopSequences(sequences: unknown): void {
  if (sequences === undefined) return;
  if (!Array.isArray(sequences) || !sequences.every((sequence) => typeof sequence === 'string')) {
    throw invalidRequest('stop_sequences: Input should be a list of strings');
  }
  if (sequences.some((sequence) => sequence.trim() === '')) {
    throw invalidRequest('stop_sequences: each stop sequence must contain non-whitespace');
  }
}
