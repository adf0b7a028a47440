import type { Database } from '../data/database.ts';
import type { Registry } from '../kernel/registry.ts';
import type { Models } from '../model/models.ts';
import type { RunCanceller } from './run-canceller.ts';
import type { RunExecutor } from './run-executor.ts';
import type { RunHandles } from './run-handles.ts';
import { readRuns } from './run-rows.ts';
import { startAgent } from './start-agent.ts';
import type { SubAgents } from './sub-agent.ts';

interface SubAgentRooms {
  database: Database;
  registry: Registry;
  models: Models;
  handles: RunHandles;
  /** Late, because both need the rooms that this is part of. */
  executor(): RunExecutor;
  canceller(): RunCanceller;
}

/** Sub-agents as runs of their own. */
export function createSubAgents(rooms: SubAgentRooms): SubAgents {
  const { database, handles, executor, canceller } = rooms;
  return {
    async start(parent, { id, agent, message, depth }) {
      const [begun] = await readRuns(database, [id]);
      if (begun) return;
      const { envelope, row: owner } = parent;
      const start = startAgent({ agent, message, depth, envelope }, rooms);
      await executor()
        .beginAgent({ id, owner, parent, ...start })
        .durable();
    },
    result: (runId, signal) => handles.settled(runId, signal),
    stop: (runId) => canceller().request(runId),
  };
}
