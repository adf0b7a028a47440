import { newId } from '../../data/new-id.ts';
import type { Caller } from '../../kernel/access/principal.ts';
import { assertAllows } from '../../kernel/access/scopes.ts';
import { DomainError } from '../../kernel/errors.ts';
import type { Rerank } from '../../kernel/knowledge-search.ts';
import type { RunKind } from '../../kernel/run.ts';
import { parseMetadataFilter } from '../../knowledge/search/metadata-filter.ts';
import { startAgent } from '../agent/start-agent.ts';
import { defaultAnswerPrompt, runAnswer } from '../answer.ts';
import { runCompletion } from '../completion.ts';
import { runIngest } from '../ingest.ts';
import { assertPromptAllowed } from '../limits/prompt-scope.ts';
import { type LiveRun, unstored } from '../live/live-run.ts';
import { completedAnswer } from '../reading/completed-answer.ts';
import { findReranker, rerankWith } from '../rerank.ts';
import type { RunParts } from '../run-parts.ts';
import type {
  AgentRequest,
  AnswerRequest,
  CompletionRequest,
  IngestRequest,
  RunHandle,
  RunOptions,
  Runs,
} from '../runs.ts';
import { claimRun, releaseKey } from './claim-run.ts';

type Starts = Pick<Runs, 'complete' | 'answer' | 'runAgent' | 'ingest' | 'rerank'>;

/** Begins runs for callers. See `Runs` for what its functions promise. */
export class RunStarts implements Starts {
  readonly #parts: RunParts;
  #closed = false;

  constructor(parts: RunParts) {
    this.#parts = parts;
  }

  /** True once the server drains: nothing may begin. */
  get closed(): boolean {
    return this.#closed;
  }

  close(): void {
    this.#closed = true;
  }

  async complete(request: CompletionRequest, caller: Caller): Promise<RunHandle> {
    assertPromptAllowed(request.prompt, caller);
    return this.#complete(request, caller);
  }

  #complete(request: CompletionRequest, caller: Caller): Promise<RunHandle> {
    const { services } = this.#parts;
    const start = { kind: 'COMPLETION', input: request, model: this.#modelOf(request) } as const;
    return this.#start({ request, ...start }, caller, (run) =>
      runCompletion(run, request, services),
    );
  }

  async answer(request: AnswerRequest, caller: Caller): Promise<RunHandle> {
    const { services } = this.#parts;
    assertAllows(caller.scopes, 'prompts', request.prompt ?? defaultAnswerPrompt);
    parseMetadataFilter(request.filter);
    if (request.rerank != null) findReranker(request.rerank, services.registry);
    const start = { kind: 'ANSWER', input: request, model: this.#modelOf(request) } as const;
    return this.#start({ request, ...start }, caller, (run) => runAnswer(run, request, services));
  }

  async runAgent(request: AgentRequest, caller: Caller): Promise<RunHandle> {
    const { services, executor } = this.#parts;
    assertAllows(caller.scopes, 'agents', request.agent);
    const start = startAgent(request, services);
    return this.#once(request, caller, (id) =>
      executor.beginAgent({ id, owner: caller, ...start }),
    );
  }

  async ingest(request: IngestRequest, caller: Caller): Promise<RunHandle> {
    const { services } = this.#parts;
    const { collection, documents } = request;
    await services.knowledge.checkMayIngest(collection, caller);
    // Not the texts: they are stored as documents, and nobody but its caller goes on with an ingest.
    const input = { collection, documents: documents.length };
    const start = { kind: 'EMBEDDING', input, model: '' } as const;
    return this.#start({ request, ...start }, caller, (run) => runIngest(run, request, services));
  }

  rerank(
    { reranker, query, signal = new AbortController().signal }: Parameters<Runs['rerank']>[0],
    caller: Caller,
  ): Rerank {
    const { log, registry } = this.#parts.services;
    return rerankWith(findReranker(reranker, registry), {
      query,
      signal,
      log,
      promptAnswer: async (named) =>
        completedAnswer(await this.#complete({ prompt: { named } }, caller), signal),
    });
  }

  #modelOf({ model }: { model?: string | null }): string {
    return model ?? this.#parts.services.models.resolve(null);
  }

  #start(
    start: { request: OptionalOptions; kind: RunKind; input: unknown; model: string },
    owner: Caller,
    loop: (run: LiveRun) => Promise<void>,
  ): Promise<RunHandle> {
    const { request, ...beginning } = start;
    const options = request.options ?? {};
    return this.#once(request, owner, (id) =>
      this.#parts.executor.begin({ id, ...beginning, owner, options }, loop),
    );
  }

  /** The first caller of an idempotency key begins the run, the others join it. */
  async #once(
    request: OptionalOptions,
    caller: Caller,
    begin: (id: string) => void,
  ): Promise<RunHandle> {
    const { services, liveRuns, handles } = this.#parts;
    const { database, writer, keyLimits } = services;
    if (this.#closed) {
      throw new DomainError('RUN_INTERRUPTED', 'This server is shutting down: try again.');
    }
    if (writer.stuck) throw unstored();
    const { idempotencyKey: key, ...options } = request.options ?? {};
    if (key == null) {
      const id = newId();
      await keyLimits.begin(caller, () => begin(id));
      return handles.open(id);
    }
    const { userId } = caller;
    const claim = { userId, key, input: { ...request, options } };
    const { runId, isNew } = await claimRun(database, claim, (id) => Boolean(liveRuns.get(id)));
    try {
      if (isNew) await keyLimits.begin(caller, () => begin(runId));
    } catch (error) {
      await releaseKey(database, { userId, key, runId });
      throw error;
    }
    return handles.open(runId);
  }
}

interface OptionalOptions {
  options?: RunOptions | null;
}
