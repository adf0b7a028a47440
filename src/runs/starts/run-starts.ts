import { newId } from '../../data/new-id.ts';
import type { Caller } from '../../kernel/access/principal.ts';
import { assertAllows } from '../../kernel/access/scopes.ts';
import { DomainError } from '../../kernel/errors.ts';
import { InvalidInputError } from '../../kernel/invalid-input-error.ts';
import type { Rerank } from '../../kernel/knowledge-search.ts';
import { parseMetadataFilter } from '../../knowledge/search/metadata-filter.ts';
import { startAgent } from '../agent/start-agent.ts';
import { defaultAnswerPrompt } from '../answer.ts';
import { runIngest } from '../ingest.ts';
import { assertPromptAllowed } from '../limits/prompt-scope.ts';
import { unstored } from '../live/live-run.ts';
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
import type { Beginning } from '../servers/run-executor.ts';
import { claimRun, releaseKey } from './claim-run.ts';
import { isPlaced, placeRun } from './place-run.ts';

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

  #complete(request: CompletionRequest, owner: Caller): Promise<RunHandle> {
    const model = this.#modelOf(request);
    return this.#start(request, { kind: 'COMPLETION', owner, input: request, model });
  }

  async answer(request: AnswerRequest, owner: Caller): Promise<RunHandle> {
    const { services } = this.#parts;
    assertAllows(owner.scopes, 'prompts', request.prompt ?? defaultAnswerPrompt);
    parseMetadataFilter(request.filter);
    if (request.rerank != null) findReranker(request.rerank, services.registry);
    const model = this.#modelOf(request);
    return this.#start(request, { kind: 'ANSWER', owner, input: request, model });
  }

  async runAgent(request: AgentRequest, owner: Caller): Promise<RunHandle> {
    assertAllows(owner.scopes, 'agents', request.agent);
    const start = startAgent(request, this.#parts.services);
    return this.#start(request, { kind: 'AGENT', owner, ...start });
  }

  async ingest(request: IngestRequest, owner: Caller): Promise<RunHandle> {
    const { services, executor } = this.#parts;
    const { collection, documents } = request;
    const options = request.options ?? {};
    if (isPlaced(options)) throw new InvalidInputError('an ingest goes on from no run');
    // Not the texts: they are stored as documents, and nobody but its caller goes on with an ingest.
    const input = { collection, documents: documents.length };
    const beginning = { kind: 'EMBEDDING', owner, input, model: '', options } as const;
    return this.#once(request, owner, async (id) => {
      executor.begin({ id, ...beginning }, (run) => runIngest(run, request, services));
    });
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

  #start(request: OptionalOptions, start: Start): Promise<RunHandle> {
    const { executor } = this.#parts;
    const options = request.options ?? {};
    return this.#once(request, start.owner, async (id) => {
      const beginning = { ...start, id, options };
      if (!isPlaced(options)) executor.begin(beginning);
      else executor.beginStored(await placeRun(executor.rowOf(beginning), options, this.#parts));
    });
  }

  /** The first caller of an idempotency key begins the run, the others join it. */
  async #once(
    request: OptionalOptions,
    caller: Caller,
    begin: (id: string) => Promise<void>,
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

type Start = Omit<Beginning, 'id' | 'owner' | 'options' | 'parent'> & { owner: Caller };

interface OptionalOptions {
  options?: RunOptions | null;
}
