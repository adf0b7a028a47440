import type { Database } from '../../data/database.ts';
import type { Registry } from '../../kernel/registry/registry.ts';
import type { Models } from '../../model/models.ts';
import { startAgent } from '../agent/start-agent.ts';
import type { SubAgents } from '../agent/sub-agent.ts';
import { readRuns } from '../log/run-rows.ts';
import type { RunHandles } from '../reading/run-handles.ts';
import type { RunCanceller } from './run-canceller.ts';
import type { RunExecutor } from './run-executor.ts';

interface SubAgentParts {
  database: Database;
  registry: Registry;
  models: Models;
  handles: RunHandles;
  /** Late, because both need the services that this is part of. */
  executor(): RunExecutor;
  canceller(): RunCanceller;
}

/** Sub-agents as runs of their own. */
export function createSubAgents(services: SubAgentParts): SubAgents {
  const { database, handles, executor, canceller } = services;
  return {
    async start(parent, { id, agent, message, depth }) {
      const [begun] = await readRuns(database, [id]);
      if (begun) return;
      const { envelope, row: owner } = parent;
      const start = startAgent({ agent, message, depth, envelope }, services);
      await executor()
        .begin({ id, kind: 'AGENT', owner, parent, ...start })
        .durable();
    },
    result: (runId, signal) => handles.ended(runId, signal),
    stop: (runId) => canceller().request(runId),
  };
}
