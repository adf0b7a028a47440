import type { Caller } from '../../kernel/access/principal.ts';
import type { RunKind } from '../../kernel/run.ts';
import type { RunOptions, RunRecord } from '../runs.ts';
import type { NewRun } from './run-rows.ts';

/** How long a run may take when its caller says nothing, in ms. */
const defaultTimeoutMs: Record<RunKind, number> = {
  COMPLETION: 300_000,
  ANSWER: 300_000,
  AGENT: 1_800_000,
  EMBEDDING: 3_600_000,
};

interface Beginning {
  id: string;
  kind: RunKind;
  owner: Omit<Caller, 'actsForUsers'>;
  serverId: string;
  input: unknown;
  model: string;
  options: RunOptions;
  agent?: string;
  /** The run that this one works for. */
  parent?: Pick<NewRun, 'id' | 'deadlineAt' | 'tags' | 'conversationId'> | undefined;
}

/** The row of a run that begins now. */
export function newRun(beginning: Beginning): NewRun {
  const { id, kind, owner, serverId, input, model, options, parent } = beginning;
  const { userId, groups, roles, scopes = null, apiKeyId, requestId } = owner;
  const createdAt = new Date();
  const timeoutMs = options.timeoutMs ?? defaultTimeoutMs[kind];
  return {
    id,
    kind,
    status: 'RUNNING',
    userId,
    groups,
    roles,
    scopes,
    apiKeyId,
    requestId,
    serverId,
    parentRunId: parent?.id ?? null,
    input,
    model,
    agent: beginning.agent ?? null,
    onDisconnect: options.onDisconnect ?? 'CANCEL',
    maxCost: options.maxCost ?? null,
    createdAt,
    deadlineAt: parent?.deadlineAt ?? new Date(createdAt.getTime() + timeoutMs),
    tags: parent?.tags ?? [...new Set(options.tags)],
    metadata: options.metadata ?? null,
    continuesRunId: null,
    conversationId: parent?.conversationId ?? null,
    conversationOrder: null,
  };
}

/** What of its input shows in a run's record. */
interface ShownInput {
  message?: string;
  maxTurns?: number;
  question?: string;
  prompt?: { named?: { variables?: unknown } };
}

/** The record of a run that has just begun. */
export function newRecord(row: NewRun): RunRecord {
  const { id, kind, status, userId, requestId, model, agent, parentRunId, createdAt } = row;
  const input = row.input as ShownInput;
  return {
    id,
    kind,
    status,
    userId,
    requestId,
    model,
    agent,
    parentRunId,
    createdAt,
    tags: row.tags,
    metadata: row.metadata,
    message: input.message ?? '',
    maxTurns: input.maxTurns ?? 0,
    question: input.question ?? '',
    variables: input.prompt?.named?.variables ?? null,
    continuesRunId: row.continuesRunId,
    conversationId: row.conversationId,
    promptVersionId: null,
    promptName: null,
    experimentId: null,
    variant: null,
    finishedAt: null,
    durationMs: null,
    timeToFirstTokenMs: null,
    text: '',
    output: null,
    outputSelection: null,
    stopReason: null,
    cached: false,
    degraded: false,
    error: null,
  };
}
