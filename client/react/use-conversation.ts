import { useMemo, useRef, useSyncExternalStore } from 'react';
import type { Client } from '../create-client.ts';
import type { TypedDocument } from '../typed-document.ts';
import { useClient } from './client-context.ts';
import {
  type ConversationState,
  ConversationStore,
  type ToVariables,
} from './conversation-store.ts';
import { useStopWhenGone } from './use-stop-when-gone.ts';

export interface UseConversationResult extends ConversationState {
  send: (question: string) => Promise<void>;
  regenerate: () => Promise<void>;
  edit: (key: string, question: string) => Promise<void>;
  stop: () => void;
}

const nothing: ConversationState = { exchanges: [], isBusy: false };

/**
 * A conversation as a component's state. `toVariables` says where the operation takes the question and the run options:
 * `(text, options) => ({ input: { prompt: { text }, options } })` for `completion`.
 */
export function useConversation<Data, Variables>(
  document: TypedDocument<Data, Variables>,
  toVariables: ToVariables<Variables>,
  options: { client?: Client } = {},
): UseConversationResult {
  const client = useClient(options.client);
  const latest = useRef(toVariables);
  latest.current = toVariables;
  const store = useMemo(
    () =>
      new ConversationStore<Data, Variables>(client, {
        document,
        toVariables: (...asked) => latest.current(...asked),
      }),
    [client, document],
  );
  const state = useSyncExternalStore(store.subscribe, store.getState, () => nothing);
  useStopWhenGone(store.stop);
  return useMemo(
    () => ({
      ...state,
      send: store.send,
      regenerate: store.regenerate,
      edit: store.edit,
      stop: store.stop,
    }),
    [state, store],
  );
}
