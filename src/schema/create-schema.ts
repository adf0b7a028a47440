import { type GraphQLSchema, validateSchema } from 'graphql';
import { messageOf } from '../kernel/message-of.ts';
import type { Registry } from '../kernel/registry/registry.ts';
import { StartupError } from '../kernel/startup-error.ts';
import { type Builder, createBuilder } from './builder.ts';
import { declareCompletion } from './completions/completion.ts';
import { createPromptFields, type PromptFields } from './completions/prompt-fields.ts';
import { declarePromptInput } from './completions/prompt-input.ts';
import { declareRenderPrompt } from './completions/render-prompt.ts';
import { declareAlert } from './costs/alert.ts';
import { declareBudget } from './costs/budget.ts';
import { declareCostEstimate } from './costs/cost-estimate.ts';
import { declareCostStats } from './costs/cost-stats.ts';
import { declareStatsWindow } from './costs/stats-window.ts';
import { declareUsageRecord } from './costs/usage-record.ts';
import { declareEnums } from './enums.ts';
import { declareCollection } from './knowledge/collection.ts';
import { declareDocument } from './knowledge/document.ts';
import { declareSearch } from './knowledge/search.ts';
import { checkAccessRules } from './limits/access-rules.ts';
import { declareExperiment } from './prompts/experiment.ts';
import { declarePrompt } from './prompts/prompt.ts';
import { declarePromptVersion } from './prompts/prompt-version.ts';
import { declareErrors } from './results/errors.ts';
import { declareAgentRun } from './runs/agent-run.ts';
import { declareAnswer } from './runs/answer.ts';
import { declareApproval } from './runs/approval.ts';
import { declareConversation } from './runs/conversation.ts';
import { declareIngest } from './runs/ingest.ts';
import { declareMessage } from './runs/message.ts';
import { declareRun } from './runs/run.ts';
import { declareRunEvents } from './runs/run-events.ts';
import { declareRunConnection, declareRunList } from './runs/run-list.ts';
import { declareRunOptions } from './runs/run-options.ts';
import { declareScore } from './runs/score.ts';
import { declareTokenUsage } from './runs/token-usage.ts';
import { declareScalars } from './scalars.ts';
import { declareApiKey } from './server/api-key.ts';
import { declareAuditLog } from './server/audit-log.ts';
import { declareModel } from './server/model.ts';
import { declarePlugin } from './server/plugin.ts';
import { declareScopes } from './server/scopes.ts';
import { declareServerStatus } from './server/server-status.ts';
import { declareViewer } from './server/viewer.ts';

/** Nobody without a role gets past the roots, whatever rule a field has of its own. */
function declareRoots(builder: Builder): void {
  const authScopes = { member: true };
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
  declareScopes(builder);
}

function declareRuns(builder: Builder, prompts: PromptFields): void {
  declarePromptInput(builder, prompts);
  declareRun(builder);
  const runs = declareRunConnection(builder);
  declareRunList(builder, runs);
  declareMessage(builder);
  declareConversation(builder, runs);
  declareCompletion(builder, prompts);
  declareAnswer(builder);
  declareAgentRun(builder);
  declareApproval(builder);
  declareScore(builder);
  declareRunEvents(builder);
  declareRenderPrompt(builder, prompts);
  declareCostEstimate(builder, prompts);
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
  declareAuditLog(builder);
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
