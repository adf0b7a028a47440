import type { Builder, ObjectFields } from '../builder.ts';
import { encodeGlobalId, parseId } from '../global-id.ts';
import { callerOf } from '../limits/access.ts';
import { forgetRun } from '../loaders.ts';
import { ErrorData } from '../results/error-data.ts';
import { decodeCursor } from './cursor.ts';
import { followRun } from './run-event-stream.ts';
import type { RunEventView } from './run-event-view.ts';

function declareInterface(builder: Builder): void {
  builder.interfaceType('RunEvent', {
    description:
      "An event of a run's log. Every event carries an opaque cursor: `runEvents(runId, after: cursor)` continues exactly after that event, on any server of the deployment, without losing or repeating text. Clients MUST ignore event types they do not know.",
    resolveType: ({ body }) => body.type,
    fields: (t) => ({
      runId: t.id({
        description: 'The run; empty if no run was started.',
        resolve: ({ stream }) => stream.globalRunId,
      }),
      cursor: t.string({
        description: 'Position after this event. Pass it to `runEvents(after:)`.',
        resolve: ({ body, stream }) => stream.cursorAt(body.position),
      }),
      at: t.field({
        type: 'DateTime',
        description: 'The time of the event.',
        resolve: ({ body }) => body.at,
      }),
    }),
  });
}

const textField = (t: ObjectFields<RunEventView<'TextDelta' | 'ThinkingDelta'>>) => ({
  text: t.string({ description: 'The next piece of text.', resolve: ({ body }) => body.text }),
});

/** Read afresh: what was loaded for an earlier event of the stream may have been decided since. */
const approvalField = (t: ObjectFields<RunEventView<'ApprovalRequested' | 'ApprovalDecided'>>) => ({
  approval: t.field({
    type: 'Approval',
    description: 'The approval as it is now.',
    resolve: async ({ body }, _args, { loaders }) => {
      const approval = await loaders.approval.clear(body.approvalId).load(body.approvalId);
      if (!approval) throw new Error(`approval ${body.approvalId} of run ${body.runId} is gone`);
      return approval;
    },
  }),
});

function declareTextEvents(builder: Builder): void {
  builder.objectType('TextDelta', {
    interfaces: ['RunEvent'],
    description: "The next piece of the answer's text.",
    fields: textField,
  });
  builder.objectType('ThinkingDelta', {
    interfaces: ['RunEvent'],
    description: "The next piece of the model's thinking.",
    fields: textField,
  });
  builder.objectType('SourcesFound', {
    interfaces: ['RunEvent'],
    description: 'Always before the first TextDelta of an answer.',
    fields: (t) => ({
      sources: t.field({
        type: ['Source'],
        description: 'The passages, best first.',
        resolve: ({ body }) => body.sources,
      }),
    }),
  });
  builder.objectType('QuestionRewritten', {
    interfaces: ['RunEvent'],
    description:
      'The question leans on the conversation: sources are searched for this one. Before SourcesFound.',
    fields: (t) => ({
      question: t.string({
        description: 'The question that is searched for.',
        resolve: ({ body }) => body.question,
      }),
    }),
  });
  builder.objectType('CitationFound', {
    interfaces: ['RunEvent'],
    description: 'A citation in the text so far.',
    fields: (t) => ({
      citation: t.field({
        type: 'Citation',
        description: 'The citation.',
        resolve: ({ body }) => body.citation,
      }),
    }),
  });
}

function declareIngestEvent(builder: Builder): void {
  builder.objectType('DocumentsIngested', {
    interfaces: ['RunEvent'],
    description: 'Ingest progress: `documents` of `total` are stored.',
    fields: (t) => ({
      documents: t.int({
        description: 'Number of documents stored so far.',
        resolve: ({ body }) => body.documents,
      }),
      total: t.int({
        description: 'Number of documents of the ingest.',
        resolve: ({ body }) => body.total,
      }),
    }),
  });
}

function declareToolEvents(builder: Builder): void {
  builder.objectType('ToolCallStarted', {
    interfaces: ['RunEvent'],
    description: 'A tool call begins.',
    fields: (t) => ({
      callId: t.id({
        description: 'Id of the call within the run.',
        resolve: ({ body }) => body.callId,
      }),
      tool: t.string({ description: 'Name of the tool.', resolve: ({ body }) => body.tool }),
      input: t.field({
        type: 'JSON',
        description: 'Input of the call.',
        resolve: ({ body }) => body.input,
      }),
    }),
  });
  builder.objectType('ToolCallFinished', {
    interfaces: ['RunEvent'],
    description: 'A tool call has ended.',
    fields: (t) => ({
      callId: t.id({
        description: 'Id of the call within the run.',
        resolve: ({ body }) => body.callId,
      }),
      tool: t.string({ description: 'Name of the tool.', resolve: ({ body }) => body.tool }),
      output: t.field({
        type: 'JSON',
        nullable: true,
        description: 'Output of the tool, or the error message.',
        resolve: ({ body }) => body.output,
      }),
      isError: t.boolean({
        description: 'True if the call failed.',
        resolve: ({ body }) => body.isError,
      }),
      attempts: t.int({ description: 'Number of attempts.', resolve: ({ body }) => body.attempts }),
      durationMs: t.float({
        description: 'Duration of all attempts.',
        resolve: ({ body }) => body.durationMs,
      }),
    }),
  });
  builder.objectType('ApprovalRequested', {
    interfaces: ['RunEvent'],
    description: "A tool call waits for a person's decision.",
    fields: approvalField,
  });
  builder.objectType('ApprovalDecided', {
    interfaces: ['RunEvent'],
    description: 'A person has decided on a tool call, or the approval has expired.',
    fields: approvalField,
  });
  builder.objectType('TurnFinished', {
    interfaces: ['RunEvent'],
    description: 'A turn of an agent has ended, its tool calls included.',
    fields: (t) => ({
      turn: t.field({
        type: 'AgentTurn',
        description: 'The turn.',
        resolve: ({ body }) => ({ ...body.turn, runId: body.runId }),
      }),
    }),
  });
}

function declareHistoryShortened(builder: Builder): void {
  builder.objectType('HistoryShortened', {
    interfaces: ['RunEvent'],
    description:
      "The conversation does not fit the model's window: what was said in these runs is not sent, oldest first. `summary` is sent in its place.",
    fields: (t) => ({
      runIds: t.idList({
        description: 'Ids of the runs, oldest first.',
        resolve: ({ body }) => body.runIds.map((id) => encodeGlobalId('Run', id)),
      }),
      summary: t.string({
        nullable: true,
        description: 'The summary that the model reads instead.',
        resolve: ({ body }) => body.summary,
      }),
    }),
  });
}

function declareTurnRestarted(builder: Builder): void {
  builder.objectType('TurnRestarted', {
    interfaces: ['RunEvent'],
    description:
      'The server died during a turn, and another server starts the turn again. Discard the text and thinking received since the last TurnFinished.',
    fields: (t) => ({
      number: t.int({ description: 'Number of the turn.', resolve: ({ body }) => body.number }),
    }),
  });
}

function declareRunFinished(builder: Builder): void {
  builder.objectType('RunFinished', {
    interfaces: ['RunEvent'],
    description: 'The last event of a run that succeeded or was answered by the fallback.',
    fields: (t) => ({
      run: t.field({
        type: 'Run',
        description: 'The run with its final values.',
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
    description: 'The first event of a run.',
    fields: (t) => ({
      model: t.string({
        description: 'The model that will be called first.',
        resolve: ({ body }) => body.model,
      }),
      promptVersion: t.field({
        type: 'PromptVersion',
        nullable: true,
        description: 'The version of the registered prompt; null for other prompts.',
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
        description: 'Why the run failed.',
        resolve: ({ body, stream }) => new ErrorData(body.error, stream.runId || null),
      }),
    }),
  });
}

function declareOutputProgressed(builder: Builder): void {
  builder.objectType('OutputProgressed', {
    interfaces: ['RunEvent'],
    description:
      'Parts of a structured output are complete. Strings and numbers appear once they are complete and match the output schema.',
    fields: (t) => ({
      output: t.field({
        type: 'JSON',
        description: 'The output so far: all complete parts.',
        resolve: async (view) => (await view.output)?.output ?? {},
      }),
      complete: t.stringList({
        description: 'JSON Pointers of the complete parts; "" is the whole output.',
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
  declareHistoryShortened(builder);
  declareTurnRestarted(builder);
  declareOutputProgressed(builder);
  declareEnds(builder);
  builder.subscriptionField('runEvents', (t) =>
    t.field({
      type: 'RunEvent',
      description:
        "Joins a run of one's own (any run for an admin), live or finished; from the start when `after` is left out.",
      authScopes: { user: true, editor: true, auditor: true },
      args: {
        runId: t.arg.id({ required: true, description: 'The run.' }),
        after: t.arg.string({
          description: 'Cursor of the last event received. Default: the start.',
        }),
      },
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
