import type { Client } from '../create-client.ts';
import type { PartialOf } from '../run-events.ts';
import type { RootOf, TypedDocument } from '../typed-document.ts';
import { type UseRunResult, useRun } from './use-run.ts';

export interface UsePartialOutputResult<Data, Variables>
  extends Omit<UseRunResult<Data, Variables>, 'output'> {
  /** The output as far as it is whole, in the types that the operation selects: fields are null until they are. */
  output: PartialOf<RootOf<Data>> | null;
}

/** `useRun` for a prompt's own field that selects `partial` of `OutputProgressed`: the output as it grows. */
export function usePartialOutput<Data, Variables>(
  document: TypedDocument<Data, Variables>,
  options: { client?: Client } = {},
): UsePartialOutputResult<Data, Variables> {
  return useRun(document, options) as unknown as UsePartialOutputResult<Data, Variables>;
}
