import type { PublicRunEvent, RunEvent } from '../../kernel/events.ts';
import type { RunRecord } from '../../runs/runs.ts';
import { encodeGlobalId } from '../global-id.ts';
import { cursorsOf } from './cursor.ts';
import type { RunView } from './run-view.ts';

export type RunEventType = PublicRunEvent['type'];

type PublicEventByType = {
  [Event in RunEvent as Extract<Event['type'], RunEventType>]: Event;
};

/** What the events of one stream have in common, worked out once. */
export interface RunStream {
  runId: string;
  globalRunId: string;
  cursorAt(position: number): string;
  /** The run as the stream's field shows it: on a prompt's own field with its output typed. */
  viewRun(run: RunRecord): RunView;
}

const asItIs = (run: RunRecord): RunView => run;

export const createRunStream = (
  runId: string,
  viewRun: (run: RunRecord) => RunView = asItIs,
): RunStream => ({
  runId,
  globalRunId: encodeGlobalId('Run', runId),
  cursorAt: cursorsOf(runId),
  viewRun,
});

/** An event on its way to a subscriber. */
export class RunEventView<Type extends RunEventType = RunEventType> {
  readonly body: PublicEventByType[Type];
  readonly stream: RunStream;

  constructor(body: PublicEventByType[Type], stream: RunStream) {
    this.body = body;
    this.stream = stream;
  }
}

/** Refuses what is not for subscribers, which a run's reader never yields. */
export function toView(event: RunEvent, stream: RunStream): RunEventView {
  if (
    event.type === 'AssistantTurn' ||
    event.type === 'ToolAttempt' ||
    event.type === 'CallUsage'
  ) {
    throw new Error(`${event.type} of run ${event.runId} is internal and must not be told`);
  }
  return new RunEventView(event, stream);
}
