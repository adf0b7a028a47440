import { isDomainError } from '../kernel/errors.ts';
import { InvalidInputError } from '../kernel/invalid-input-error.ts';
import type { KnowledgeSearch } from '../kernel/knowledge-search.ts';
import type { Log } from '../kernel/log.ts';
import { ToolError } from '../kernel/tools/tool-error.ts';

/**
 * The search as plugins are lent it: an unexpected failure, such as a driver's error with its SQL, is logged, and models and
 * clients see only the request id.
 */
export function maskSearchFailures(knowledge: KnowledgeSearch, log: Log): KnowledgeSearch {
  return {
    async search(request) {
      try {
        return await knowledge.search(request);
      } catch (error) {
        request.signal?.throwIfAborted();
        if (isDomainError(error) || error instanceof InvalidInputError) throw error;
        const { runId, requestId } = request.context ?? {};
        log.error({ err: error, runId, requestId }, 'a search of a plugin failed unexpectedly');
        const who = requestId === undefined ? '' : ` Request id: ${requestId}.`;
        throw new ToolError(`Something went wrong on the server's side while it searched.${who}`);
      }
    },
  };
}
