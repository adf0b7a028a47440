import { useMemo, useSyncExternalStore } from 'react';
import type { Client, RunOptions } from '../create-client.ts';
import type { OutputOf } from '../run-events.ts';
import type { RootOf, TypedDocument, VariablesArgument } from '../typed-document.ts';
import { useClient } from './client-context.ts';
import { idleState, type RunState, RunStore } from './run-store.ts';
import { useStopWhenGone } from './use-stop-when-gone.ts';

export interface UseRunResult<Data, Variables> extends RunState<OutputOf<RootOf<Data>>> {
  start: (
    variables?: VariablesArgument<Variables>,
    options?: Omit<RunOptions, 'signal'>,
  ) => Promise<RunState<OutputOf<RootOf<Data>>>>;
  regenerate: () => Promise<RunState<OutputOf<RootOf<Data>>>>;
  stop: () => void;
}

/**
 * A run of a subscription as a component's state. Nothing is begun before `start`; a component that goes leaves its run,
 * which the server stops or lets go on as `onDisconnect` says. On a server it renders idle.
 */
export function useRun<Data, Variables>(
  document: TypedDocument<Data, Variables>,
  options: { client?: Client } = {},
): UseRunResult<Data, Variables> {
  const client = useClient(options.client);
  const store = useMemo(
    () => new RunStore<Data, Variables, OutputOf<RootOf<Data>>>(client, document),
    [client, document],
  );
  const state = useSyncExternalStore(store.subscribe, store.getState, () => idleState);
  useStopWhenGone(store.stop);
  return useMemo(
    () => ({ ...state, start: store.start, regenerate: store.regenerate, stop: store.stop }),
    [state, store],
  );
}
