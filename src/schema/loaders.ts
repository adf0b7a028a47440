import DataLoader from 'dataloader';
import type { Caller } from '../kernel/access/principal.ts';
import { sumUsage } from '../ledger/usage/sum-usage.ts';
import { typedView } from './runs/run-view.ts';
import type { Services } from './services.ts';

type Batch<Value> = (keys: readonly string[]) => Promise<readonly Value[]>;

const loader = <Value>(batch: Batch<Value>) => new DataLoader<string, Value>(batch);

/** One request's reads by id: gathered over a tick into one call of a room, and made once for each id. */
export function createLoaders(services: Services, caller: Caller | null) {
  const { auth, knowledge, ledger, prompts, registry, runs } = services;
  const eachOf = <Value>(read: (id: string) => Promise<Value>) =>
    loader((ids) => Promise.all(ids.map(read)));
  return {
    alert: loader((ids) => ledger.alertsById(ids)),
    apiKey: eachOf((id) => auth.getApiKey(id)),
    approval: loader((ids) => runs.approvalsById(ids)),
    approvalsOfRun: loader((ids) => runs.approvals(ids)),
    auditEntry: loader((ids) => auth.audit.byId(ids)),
    budget: loader((ids) => ledger.budgetsById(ids)),
    document: loader((ids) => knowledge.documentsById(ids)),
    eventsOfRun: loader((ids) => runs.storedEvents(ids)),
    experiment: loader((ids) => prompts.experimentsById(ids)),
    experimentOfPrompt: loader((ids) => prompts.experimentsOf(ids)),
    labelsOfPrompt: loader((ids) => prompts.labels(ids)),
    prompt: loader((ids) => prompts.promptsById(ids)),
    promptByName: loader((names) => prompts.promptsByName(names)),
    promptVersion: loader((ids) => prompts.versionsById(ids)),
    /** Null for another's run, as if there were none. */
    run: eachOf(async (id) => {
      const run = caller && (await runs.get(id, caller));
      return run && typedView(run, registry);
    }),
    messagesOfRun: loader((ids) => runs.messages(ids)),
    conversation: loader((ids) => runs.conversations.byId(ids)),
    headOfConversation: loader(async (ids) =>
      (await runs.conversations.heads(ids)).map((run) => run && typedView(run, registry)),
    ),
    usageOfConversation: loader(async (ids) => {
      const runIds = await runs.conversations.runIds(ids);
      const flat = runIds.flat();
      const usages = await ledger.usageByRun(flat);
      const usageOf = new Map(flat.map((id, index) => [id, usages[index]!]));
      return runIds.map((own) => sumUsage(own.map((id) => usageOf.get(id)!)));
    }),
    turnsOfRun: loader((ids) => runs.turns(ids)),
    scoresOfRun: loader((ids) => runs.scoresOf(ids)),
    subRunsOfRun: loader(async (ids) =>
      (await runs.subRuns(ids)).map((found) => found.map((run) => typedView(run, registry))),
    ),
    score: loader((ids) => runs.scoresById(ids)),
    usageOfRun: loader((ids) => ledger.usageByRun(ids)),
    usageRecord: loader((ids) => ledger.usageRecordsById(ids)),
    variantStatistics: eachOf((id) => prompts.variantStatistics(id)),
  };
}

export type Loaders = ReturnType<typeof createLoaders>;

/** Forgets what a stream has read of its run: it has moved on since. */
export function forgetRun(loaders: Loaders, runId: string): void {
  loaders.run.clear(runId);
  loaders.eventsOfRun.clear(runId);
  loaders.turnsOfRun.clear(runId);
  loaders.usageOfRun.clear(runId);
  loaders.approvalsOfRun.clear(runId);
  loaders.approval.clearAll();
}
