import type { ExecutionResult } from 'graphql';
import type { Plugin } from 'graphql-yoga';
import type { Exchange } from '../http/exchange.ts';
import type { ErrorFormatter } from './error-formatter.ts';
import type { ServerContext } from './use-request-intake.ts';

/** A result with every error as a client may see it. */
function formatResult<Result extends ExecutionResult>(
  result: Result,
  exchange: Exchange,
  format: ErrorFormatter,
): Result {
  if (!result.errors?.length) return result;
  const hasData = 'data' in result;
  return { ...result, errors: result.errors.map((error) => format(error, exchange, hasData)) };
}

/**
 * A failing stream ends with its error as the last result: an HTTP response that breaks off tells a client nothing.
 * Not a generator, whose `return()` would wait for a silent source.
 */
function formatStream(
  stream: AsyncIterable<ExecutionResult>,
  exchange: Exchange,
  format: ErrorFormatter,
): AsyncIterableIterator<ExecutionResult> {
  const source = stream[Symbol.asyncIterator]();
  let over = false;
  return {
    [Symbol.asyncIterator]() {
      return this;
    },
    async next() {
      if (over) return { done: true, value: undefined };
      try {
        const { done, value } = await source.next();
        if (done) return { done, value: undefined };
        return { done: false, value: formatResult(value, exchange, format) };
      } catch (error) {
        over = true;
        return { done: false, value: { errors: [format(error, exchange, true)] } };
      }
    },
    async return() {
      over = true;
      await source.return?.();
      return { done: true, value: undefined };
    },
  };
}

/** Yoga plugin: the last to see a result, so that no error leaves as it was thrown. */
export function useErrorFormat(
  format: ErrorFormatter,
): Plugin<Record<string, unknown>, ServerContext> {
  return {
    onResultProcess({ result, setResult, serverContext: { exchange } }) {
      if (Array.isArray(result)) return;
      if (Symbol.asyncIterator in result) setResult(formatStream(result, exchange, format));
      else setResult(formatResult(result, exchange, format));
    },
  };
}
