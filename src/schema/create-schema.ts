import { type GraphQLSchema, validateSchema } from 'graphql';
import { messageOf } from '../kernel/message-of.ts';
import type { Registry } from '../kernel/registry.ts';
import { StartupError } from '../kernel/startup-error.ts';
import { checkAccessRules } from './access-rules.ts';
import { declareAgentRun } from './agent-run.ts';
import { declareAlert } from './alert.ts';
import { declareAnswer } from './answer.ts';
import { declareApiKey } from './api-key.ts';
import { declareApproval } from './approval.ts';
import { declareBudget } from './budget.ts';
import { type Builder, createBuilder } from './builder.ts';
import { declareCollection } from './collection.ts';
import { declareCompletion } from './completion.ts';
import { declareCostStats } from './cost-stats.ts';
import { declareDocument } from './document.ts';
import { declareEnums } from './enums.ts';
import { declareErrors } from './errors.ts';
import { declareExperiment } from './experiment.ts';
import { declareIngest } from './ingest.ts';
import { declareModel } from './model.ts';
import { declarePlugin } from './plugin.ts';
import { declarePrompt } from './prompt.ts';
import { createPromptFields, type PromptFields } from './prompt-fields.ts';
import { declarePromptInput } from './prompt-input.ts';
import { declarePromptVersion } from './prompt-version.ts';
import { declareRenderPrompt } from './render-prompt.ts';
import { declareRun } from './run.ts';
import { declareRunEvents } from './run-events.ts';
import { declareRunOptions } from './run-options.ts';
import { declareScalars } from './scalars.ts';
import { declareScore } from './score.ts';
import { declareSearch } from './search.ts';
import { declareServerStatus } from './server-status.ts';
import { declareStatsWindow } from './stats-window.ts';
import { declareTokenUsage } from './token-usage.ts';
import { declareUsageRecord } from './usage-record.ts';
import { declareViewer } from './viewer.ts';

/** Nobody without a role gets past the roots, whatever rule a field has of its own. */
function declareRoots(builder: Builder): void {
  const authScopes = { user: true };
  builder.queryType({ authScopes });
  builder.mutationType({ authScopes });
  builder.subscriptionType({ authScopes });
}

function declareBasics(builder: Builder): void {
  declareScalars(builder);
  declareEnums(builder);
  declareErrors(builder);
  declareTokenUsage(builder);
  declareStatsWindow(builder);
  declareRunOptions(builder);
}

function declareRuns(builder: Builder, prompts: PromptFields): void {
  declarePromptInput(builder, prompts);
  declareRun(builder);
  declareCompletion(builder, prompts);
  declareAnswer(builder);
  declareAgentRun(builder);
  declareApproval(builder);
  declareScore(builder);
  declareRunEvents(builder);
  declareRenderPrompt(builder, prompts);
}

function declareRecords(builder: Builder): void {
  declarePrompt(builder);
  declarePromptVersion(builder);
  declareExperiment(builder);
  declareSearch(builder);
  declareCollection(builder);
  declareDocument(builder);
  declareIngest(builder);
  declareCostStats(builder);
  declareUsageRecord(builder);
  declareBudget(builder);
  declareAlert(builder);
  declarePlugin(builder);
  declareModel(builder);
  declareApiKey(builder);
  declareViewer(builder);
  declareServerStatus(builder);
}

function extendByPlugins(builder: Builder, { plugins }: Registry): void {
  for (const { name, parts } of plugins) {
    try {
      parts.graphql?.(builder);
    } catch (cause) {
      const problem = `plugin "${name}": graphql(builder) failed: ${messageOf(cause)}`;
      throw new StartupError([problem], { cause });
    }
  }
}

/** What plugins declared shows only now to be wrong: a name that is taken, a type that is missing or has no fields. */
function buildSchema(builder: Builder): GraphQLSchema {
  const schema = toSchema(builder);
  // Else each operation would find it, and fail.
  const problems = validateSchema(schema);
  if (problems.length === 0) return schema;
  throw new StartupError(
    problems.map(({ message }) => `the GraphQL schema is unsound: ${message}`),
  );
}

function toSchema(builder: Builder): GraphQLSchema {
  try {
    return builder.toSchema();
  } catch (cause) {
    throw new StartupError([`the GraphQL schema cannot be built: ${messageOf(cause)}`], { cause });
  }
}

/**
 * The public schema of a server with these plugins: the built-in types, the fields that its prompts add, and what the
 * plugins add themselves. Nothing is shared between two schemas. Throws a `StartupError` that lists what of a plugin
 * GraphQL cannot say and which root fields have no access rule.
 */
export function createSchema(registry: Registry): GraphQLSchema {
  const builder = createBuilder();
  const prompts = createPromptFields(builder, registry);
  declareRoots(builder);
  declareBasics(builder);
  declareRuns(builder, prompts);
  declareRecords(builder);
  prompts.declare();
  extendByPlugins(builder, registry);
  const schema = buildSchema(builder);
  checkAccessRules(schema);
  return schema;
}
