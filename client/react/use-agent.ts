import { useCallback, useMemo } from 'react';
import type { Client } from '../create-client.ts';
import type { TypedDocument } from '../typed-document.ts';
import { useClient } from './client-context.ts';
import { type UseRunResult, useRun } from './use-run.ts';

export interface Decision {
  reason?: string;
  /** In place of the input that the agent proposed. */
  editedInput?: unknown;
}

export interface UseAgentResult<Data, Variables> extends UseRunResult<Data, Variables> {
  approve: (approvalId: string, decision?: Decision) => Promise<void>;
  reject: (approvalId: string, reason?: string) => Promise<void>;
  /** Results of the client's own tools; the run goes on. */
  submitToolResults: (
    results: readonly { id: string; output: unknown; isError?: boolean }[],
  ) => Promise<void>;
}

const decideDocument = `mutation Decide($input: DecideApprovalInput!) { decideApproval(input: $input) {
  __typename ... on Error { code message } } }`;
const submitDocument = `mutation Submit($input: SubmitToolResultsInput!) { submitToolResults(input: $input) {
  __typename ... on Error { code message } } }`;

/**
 * An agent's run, with what it waits for: `approvals` and `toolCalls` of its state. The document is a subscription of
 * `agent` that selects `approval { id tool input }` of `ApprovalRequested`. The promises reject when the server refuses.
 */
export function useAgent<Data, Variables>(
  document: TypedDocument<Data, Variables>,
  options: { client?: Client } = {},
): UseAgentResult<Data, Variables> {
  const client = useClient(options.client);
  const run = useRun(document, { client });
  const decide = useCallback((input: object) => execute(client, decideDocument, input), [client]);
  const { runId } = run;
  return useMemo(
    () => ({
      ...run,
      approve: (approvalId, decision = {}) => decide({ approvalId, approve: true, ...decision }),
      reject: (approvalId, reason) => decide({ approvalId, approve: false, reason }),
      submitToolResults: (results) => execute(client, submitDocument, { runId, results }),
    }),
    [run, decide, client, runId],
  );
}

async function execute(client: Client, document: string, input: object): Promise<void> {
  const data = await client.execute<Record<string, { code?: string; message?: string }>, object>(
    document,
    { input },
  );
  const [result] = Object.values(data);
  if (result?.code) throw new Error(result.message);
}
