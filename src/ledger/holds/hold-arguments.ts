import type { HoldRequest } from '../ledger.ts';
import type { HoldEntry } from './hold-entry.ts';

/** What a dead server's sweep needs to write the record: `Hold.estimate`. */
export type HoldEstimate = Omit<HoldRequest['tag'], 'runId' | 'userId'> &
  Pick<HoldRequest, 'provider' | 'model' | 'estimatedInputTokens' | 'maxTokens'> & {
    embedding: boolean;
  };

/** The arguments of `ledger_hold` that depend on the calls. */
export interface HoldArguments {
  requests: readonly object[];
  users: readonly string[];
  envelopes: readonly string[];
}

export function holdArguments(batch: readonly HoldEntry[]): HoldArguments {
  const byUser = batch.toSorted((one, other) =>
    compare(one.request.tag.userId, other.request.tag.userId),
  );
  const envelopes = batch.flatMap(({ request }) => (request.envelope ? envelopeKey(request) : []));
  return {
    requests: byUser.map(rowOf),
    users: [...new Set(byUser.map(({ request }) => request.tag.userId))],
    envelopes: [...new Set(envelopes)],
  };
}

const compare = (one: string, other: string): number => (one < other ? -1 : one > other ? 1 : 0);

const envelopeKey = (request: HoldRequest): string => `run:${request.envelope?.runId}`;

function rowOf({ id, request, amount }: HoldEntry): object {
  const { provider, model, estimatedInputTokens, maxTokens, envelope } = request;
  const { runId, userId, ...tag } = request.tag;
  const embedding = request.embedding ?? false;
  const estimate: HoldEstimate = {
    ...tag,
    provider,
    model,
    estimatedInputTokens,
    maxTokens,
    embedding,
  };
  return {
    id,
    runId,
    userId,
    amount,
    envelope: envelope ? envelopeKey(request) : null,
    envelopeRunId: envelope?.runId ?? null,
    envelopeLimit: envelope?.limit ?? null,
    provisional: request.provisional ?? false,
    estimate,
  };
}
