import type { GraphQLResolveInfo, SelectionSetNode } from 'graphql';
import { Kind } from 'graphql';
import { DomainError } from '../../kernel/errors.ts';
import { fromPointer } from '../../kernel/json/json-pointer.ts';
import type { RunHandle, RunRecord } from '../../runs/runs.ts';
import { emptyOutput, grow, type OutputState } from '../runs/growing-output.ts';
import type { RunView } from '../runs/run-view.ts';
import { GrowingValue } from '../zod/growing-value.ts';

/** Does an operation defer any part of what it selects of a field? */
export function defers({ fieldNodes, fragments }: GraphQLResolveInfo): boolean {
  const within = (set: SelectionSetNode | undefined): boolean =>
    (set?.selections ?? []).some((selection) => {
      if (selection.directives?.some(({ name }) => name.value === 'defer')) return true;
      return selection.kind === Kind.FRAGMENT_SPREAD
        ? within(fragments[selection.name.value]?.selectionSet)
        : within(selection.selectionSet);
    });
  return fieldNodes.some(({ selectionSet }) => within(selectionSet));
}

/** Properties of a run that are settled when it begins. */
const settled = new Set<PropertyKey>([
  ...['id', 'kind', 'userId', 'requestId', 'createdAt', 'agent', 'message', 'maxTurns'],
  ...['tags', 'metadata', 'parentRunId', 'continuesRunId', 'conversationId', 'variables'],
  ...['promptVersionId', 'experimentId', 'variant', 'outputSelection', 'completionType', 'then'],
]);

interface Growing {
  handle: RunHandle;
  /** The run when it has ended. */
  ended: Promise<RunRecord>;
  /** The run as it is when the first value is whole. */
  current(): Promise<RunRecord>;
  completionType: string;
}

/**
 * The completion of a run that still writes, once the first value of its output is whole. Each value of the output resolves
 * when it is whole itself; what only the end can tell resolves at the end. Null when the run ends before any value is whole.
 */
export async function growingCompletion(growing: Growing): Promise<RunView | null> {
  const { handle, ended, current, completionType } = growing;
  const first = Promise.withResolvers<boolean>();
  const output = new GrowingOutput();
  void follow(handle, output, first).finally(() => first.resolve(false));
  ended.then(
    (run) => output.end(run),
    (error: unknown) => output.fail(error),
  );
  ended.finally(() => first.resolve(false)).catch(() => {});
  if (!(await first.promise)) return null;
  const now: RunView = { ...(await current()), completionType };
  return new Proxy(now, {
    get(target, name: keyof RunRecord) {
      if (settled.has(name)) return target[name];
      if (name === 'output') return output.root;
      return ended.then((run) => run[name]);
    },
  });
}

async function follow(
  handle: RunHandle,
  output: GrowingOutput,
  first: PromiseWithResolvers<boolean>,
): Promise<void> {
  for await (const event of handle.events()) {
    if (event.type !== 'OutputProgressed') continue;
    output.add(event.whole);
    first.resolve(true);
  }
}

/** Hands out each value of an output when it is whole. */
class GrowingOutput {
  readonly #waiting = new Map<string, PromiseWithResolvers<unknown>>();
  #state: OutputState = emptyOutput;
  #error: unknown = null;

  /** The output itself, of which any field can be waited for. */
  readonly root = new GrowingValue('', (pointer) => this.#when(pointer));

  add(whole: Parameters<typeof grow>[1]): void {
    this.#state = grow(this.#state, whole);
    for (const { pointer } of whole) this.#resolve(pointer);
  }

  end({ error }: RunRecord): void {
    this.fail(
      error
        ? new DomainError(error.code, error.message)
        : new DomainError('OUTPUT_INVALID', 'The run has ended without this value.'),
    );
  }

  /** What is not whole by now never will be. */
  fail(error: unknown): void {
    this.#error = error;
    for (const waiter of this.#waiting.values()) waiter.reject(error);
    this.#waiting.clear();
  }

  #when(pointer: string): Promise<unknown> {
    if (this.#state.complete.includes(pointer)) return Promise.resolve(this.#valueAt(pointer));
    if (this.#error !== null) return Promise.reject(this.#error);
    const waiter = this.#waiting.get(pointer) ?? Promise.withResolvers<unknown>();
    waiter.promise.catch(() => {});
    this.#waiting.set(pointer, waiter);
    return waiter.promise;
  }

  #resolve(pointer: string): void {
    this.#waiting.get(pointer)?.resolve(this.#valueAt(pointer));
    this.#waiting.delete(pointer);
  }

  #valueAt(pointer: string): unknown {
    return fromPointer(pointer).reduce<unknown>(
      (value, part) => (value as Record<string, unknown>)[part],
      this.#state.output,
    );
  }
}
