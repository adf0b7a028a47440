import {
  isPublic,
  type PublicRunEvent,
  type RunEvent,
  type WholeValue,
} from '../../kernel/events.ts';
import type { RunRecord } from '../../runs/runs.ts';
import { encodeGlobalId } from '../global-id.ts';
import { cursorsOf } from './cursor.ts';
import { emptyOutput, grow, type OutputState } from './growing-output.ts';
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
  /** The structured output before the first event of the stream; read when it is needed. */
  outputBefore(): Promise<OutputState>;
  /** The output after the last event that was viewed. */
  output: Promise<OutputState> | null;
}

const asItIs = (run: RunRecord): RunView => run;

export const createRunStream = (
  runId: string,
  viewRun: (run: RunRecord) => RunView = asItIs,
  outputBefore: () => Promise<OutputState> = async () => emptyOutput,
): RunStream => ({
  runId,
  globalRunId: encodeGlobalId('Run', runId),
  cursorAt: cursorsOf(runId),
  viewRun,
  outputBefore,
  output: null,
});

/** An event on its way to a subscriber. */
export class RunEventView<Type extends RunEventType = RunEventType> {
  readonly body: PublicEventByType[Type];
  readonly stream: RunStream;
  /** Of an `OutputProgressed`: the output with what is whole now. */
  readonly output: Promise<OutputState> | null;

  constructor(body: PublicEventByType[Type], stream: RunStream) {
    this.body = body;
    this.stream = stream;
    this.output = body.type === 'OutputProgressed' ? nextOutput(stream, body.whole) : null;
  }
}

/** Events are viewed in order, each with the output that those before it have made. */
function nextOutput(stream: RunStream, whole: readonly WholeValue[]): Promise<OutputState> {
  const before = stream.output ?? stream.outputBefore();
  stream.output = before.then((state) => grow(state, whole));
  // A resolver that reads it hears of a failure; an event whose output nobody selects does not.
  stream.output.catch(() => {});
  return stream.output;
}

/** Refuses what is not for subscribers, which a run's reader never yields. */
export function toView(event: RunEvent, stream: RunStream): RunEventView {
  if (!isPublic(event)) {
    throw new Error(`${event.type} of run ${event.runId} is internal and must not be told`);
  }
  return new RunEventView(event, stream);
}
