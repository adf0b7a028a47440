import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { moduleBeside } from '../../kernel/module-beside.ts';
import { ToolError } from '../../kernel/tools/tool-error.ts';

type Answer = { result: string } | { error: string };

function startWorker(): Worker {
  return new Worker(moduleBeside(import.meta.url, 'calculation-worker'), {
    name: 'calculator',
    // V8 may end the whole process, not the thread, at this limit: it lies beyond what the time bound leaves room for.
    resourceLimits: { maxOldGenerationSizeMb: 1_024 },
  });
}

/**
 * Calculates in a thread of its own, one expression after another: `9^9^9` or a factorial of a million would hold up
 * every stream of the server, and nothing but ending the thread stops them. It starts with the first expression.
 */
export class CalculationThread {
  #worker: Promise<Worker> | undefined;
  #last: Promise<unknown> = Promise.resolve();
  readonly #timeoutMs: number;

  constructor(timeoutMs: number) {
    this.#timeoutMs = timeoutMs;
  }

  /** Rejects with an error for the model, or `signal.reason`. */
  calculate(expression: string, signal: AbortSignal): Promise<string> {
    const result = this.#last.then(() => this.#calculateNow(expression, signal));
    this.#last = result.catch(() => undefined);
    return result;
  }

  async close(): Promise<void> {
    const worker = this.#worker;
    this.#worker = undefined;
    await worker?.then((started) => started.terminate()).catch(() => undefined);
  }

  #start(): Promise<Worker> {
    this.#worker ??= (async () => {
      const worker = startWorker();
      // Errors reach whoever waits for an answer; one that comes while nobody does must not end the process.
      worker.on('error', () => undefined);
      worker.once('exit', () => {
        this.#worker = undefined;
      });
      await once(worker, 'message');
      return worker;
    })();
    return this.#worker;
  }

  async #calculateNow(expression: string, signal: AbortSignal): Promise<string> {
    signal.throwIfAborted();
    const worker = await this.#start();
    worker.ref();
    const timeout = AbortSignal.timeout(this.#timeoutMs);
    try {
      worker.postMessage(expression);
      const [answer]: Answer[] = await once(worker, 'message', {
        signal: AbortSignal.any([signal, timeout]),
      });
      if (answer && 'result' in answer) return answer.result;
      throw new ToolError(answer?.error);
    } catch (error) {
      if (!signal.aborted && !timeout.aborted && !isOutOfMemory(error)) throw error;
      await this.close();
      signal.throwIfAborted();
      throw new ToolError('the calculation is too large: split it up or use smaller numbers');
    } finally {
      worker.unref();
    }
  }
}

const isOutOfMemory = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && error.code === 'ERR_WORKER_OUT_OF_MEMORY';
