import type { Builder, ObjectFields } from '../builder.ts';
import { parseId } from '../global-id.ts';
import { callerOf } from '../limits/access.ts';
import { forgetRun } from '../loaders.ts';
import { ErrorData } from '../results/error-data.ts';
import { decodeCursor } from './cursor.ts';
import { followRun } from './run-event-stream.ts';
import type { RunEventView } from './run-event-view.ts';

function declareInterface(builder: Builder): void {
  builder.interfaceType('RunEvent', {
    description:
      'Every event carries an opaque cursor: `runEvents(runId, after: cursor)` continues exactly behind it, on any server of the deployment, with no text lost and none repeated.',
    resolveType: ({ body }) => body.type,
    fields: (t) => ({
      runId: t.id({ resolve: ({ stream }) => stream.globalRunId }),
      cursor: t.string({ resolve: ({ body, stream }) => stream.cursorAt(body.position) }),
      at: t.field({ type: 'DateTime', resolve: ({ body }) => body.at }),
    }),
  });
}

const textField = (t: ObjectFields<RunEventView<'TextDelta' | 'ThinkingDelta'>>) => ({
  text: t.string({ resolve: ({ body }) => body.text }),
});

/** Read afresh: what was loaded for an earlier event of the stream may have been decided since. */
const approvalField = (t: ObjectFields<RunEventView<'ApprovalRequested' | 'ApprovalDecided'>>) => ({
  approval: t.field({
    type: 'Approval',
    resolve: async ({ body }, _args, { loaders }) => {
      const approval = await loaders.approval.clear(body.approvalId).load(body.approvalId);
      if (!approval) throw new Error(`approval ${body.approvalId} of run ${body.runId} is gone`);
      return approval;
    },
  }),
});

function declareTextEvents(builder: Builder): void {
  builder.objectType('TextDelta', { interfaces: ['RunEvent'], fields: textField });
  builder.objectType('ThinkingDelta', { interfaces: ['RunEvent'], fields: textField });
  builder.objectType('SourcesFound', {
    interfaces: ['RunEvent'],
    description: 'Always before the first TextDelta of an answer.',
    fields: (t) => ({
      sources: t.field({ type: ['Source'], resolve: ({ body }) => body.sources }),
    }),
  });
  builder.objectType('CitationFound', {
    interfaces: ['RunEvent'],
    fields: (t) => ({
      citation: t.field({ type: 'Citation', resolve: ({ body }) => body.citation }),
    }),
  });
}

function declareIngestEvent(builder: Builder): void {
  builder.objectType('DocumentsIngested', {
    interfaces: ['RunEvent'],
    description: 'Of so many documents of an ingest these are stored.',
    fields: (t) => ({
      documents: t.int({ resolve: ({ body }) => body.documents }),
      total: t.int({ resolve: ({ body }) => body.total }),
    }),
  });
}

function declareToolEvents(builder: Builder): void {
  builder.objectType('ToolCallStarted', {
    interfaces: ['RunEvent'],
    fields: (t) => ({
      callId: t.id({ resolve: ({ body }) => body.callId }),
      tool: t.string({ resolve: ({ body }) => body.tool }),
      input: t.field({ type: 'JSON', resolve: ({ body }) => body.input }),
    }),
  });
  builder.objectType('ToolCallFinished', {
    interfaces: ['RunEvent'],
    fields: (t) => ({
      callId: t.id({ resolve: ({ body }) => body.callId }),
      tool: t.string({ resolve: ({ body }) => body.tool }),
      output: t.field({ type: 'JSON', nullable: true, resolve: ({ body }) => body.output }),
      isError: t.boolean({ resolve: ({ body }) => body.isError }),
      attempts: t.int({ resolve: ({ body }) => body.attempts }),
      durationMs: t.float({ resolve: ({ body }) => body.durationMs }),
    }),
  });
  builder.objectType('ApprovalRequested', { interfaces: ['RunEvent'], fields: approvalField });
  builder.objectType('ApprovalDecided', { interfaces: ['RunEvent'], fields: approvalField });
  builder.objectType('TurnFinished', {
    interfaces: ['RunEvent'],
    fields: (t) => ({
      turn: t.field({
        type: 'AgentTurn',
        resolve: ({ body }) => ({ ...body.turn, runId: body.runId }),
      }),
    }),
  });
}

function declareTurnRestarted(builder: Builder): void {
  builder.objectType('TurnRestarted', {
    interfaces: ['RunEvent'],
    description:
      'The server died in the middle of this turn, and the turn is taken anew: discard the text and thinking told since the last TurnFinished.',
    fields: (t) => ({ number: t.int({ resolve: ({ body }) => body.number }) }),
  });
}

function declareRunFinished(builder: Builder): void {
  builder.objectType('RunFinished', {
    interfaces: ['RunEvent'],
    description: 'The last event of a run that succeeded or was answered by the fallback.',
    fields: (t) => ({
      run: t.field({
        type: 'Run',
        resolve: async ({ stream }, _args, { loaders }) => {
          forgetRun(loaders, stream.runId);
          const run = await loaders.run.load(stream.runId);
          if (!run) throw new Error(`run ${stream.runId} is gone`);
          return stream.viewRun(run);
        },
      }),
    }),
  });
}

function declareEnds(builder: Builder): void {
  builder.objectType('RunStarted', {
    interfaces: ['RunEvent'],
    fields: (t) => ({
      model: t.string({ resolve: ({ body }) => body.model }),
      promptVersion: t.field({
        type: 'PromptVersion',
        nullable: true,
        resolve: ({ body: { promptVersionId } }, _args, { loaders }) =>
          promptVersionId === null ? null : loaders.promptVersion.load(promptVersionId),
      }),
    }),
  });
  declareRunFinished(builder);
  builder.objectType('RunFailed', {
    interfaces: ['RunEvent'],
    description:
      'The last event of a run that failed or was cancelled. The stream then completes; the socket stays open.',
    fields: (t) => ({
      error: t.field({
        type: 'Error',
        resolve: ({ body, stream }) => new ErrorData(body.error, stream.runId || null),
      }),
    }),
  });
}

function declareOutputProgressed(builder: Builder): void {
  builder.objectType('OutputProgressed', {
    interfaces: ['RunEvent'],
    description:
      'Parts of a structured output have become whole. Text and numbers appear only when they are whole and of the output schema.',
    fields: (t) => ({
      output: t.field({
        type: 'JSON',
        description: 'The output so far: all parts that are whole.',
        resolve: async (view) => (await view.output)?.output ?? {},
      }),
      complete: t.stringList({
        description: 'JSON Pointers of all parts that are whole; "" is the whole output.',
        resolve: async (view) => (await view.output)?.complete ?? [],
      }),
    }),
  });
}

/** Everything a stream tells, and the subscription that joins a run. */
export function declareRunEvents(builder: Builder): void {
  declareInterface(builder);
  declareTextEvents(builder);
  declareIngestEvent(builder);
  declareToolEvents(builder);
  declareTurnRestarted(builder);
  declareOutputProgressed(builder);
  declareEnds(builder);
  builder.subscriptionField('runEvents', (t) =>
    t.field({
      type: 'RunEvent',
      description:
        "Joins a run of one's own (any run for an admin), live or finished; from the start when `after` is left out.",
      authScopes: { user: true, editor: true, auditor: true },
      args: { runId: t.arg.id({ required: true }), after: t.arg.string() },
      subscribe: (_root, { runId: id, after: cursor }, context) => {
        const runId = parseId('Run', id, ['runId']);
        const after = cursor == null ? 0 : decodeCursor(cursor, runId);
        const join = () => context.services.runs.join(runId, callerOf(context));
        return followRun(join, context, { after, runId });
      },
      resolve: (event) => event,
    }),
  );
}
