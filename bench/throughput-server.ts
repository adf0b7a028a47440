// A server for bench/throughput.ts: as `npm start`, and without accounting when WITHOUT_ACCOUNTING is set.
import { readConfig } from '../src/config.ts';
import { newId } from '../src/data/new-id.ts';
import { createLedger, type LedgerOptions } from '../src/ledger/create-ledger.ts';
import type { Hold, Ledger, UsageRecordRow } from '../src/ledger/ledger.ts';
import { startServer } from '../src/server/start-server.ts';
import { createLog } from '../src/telemetry/create-log.ts';

/** Holds nothing, writes nothing: what is left is the way of a completion without its accounts. */
function openNoLedger(options: LedgerOptions): Ledger {
  const nothing = { inputTokens: 0, outputTokens: 0, cacheReadTokens: 0, cacheWriteTokens: 0 };
  const row = ({ request, createdAt }: Hold): UsageRecordRow => ({
    ...request.tag,
    ...nothing,
    id: newId(),
    provider: request.provider,
    model: request.model,
    createdAt,
    cost: '0',
    estimated: false,
    cached: false,
    status: 'succeeded',
    durationMs: 0,
    timeToFirstTokenMs: null,
  });
  return {
    ...createLedger(options),
    hold: async (request) => ({ id: newId(), request, amount: null, createdAt: new Date() }),
    settle: async (hold) => row(hold),
    release: async () => undefined,
    usageByRun: async (ids) => ids.map(() => ({ ...nothing, estimated: false, cost: '0' })),
  };
}

const { WITHOUT_ACCOUNTING, ...environment } = process.env;
const config = readConfig({ ...environment, PORT: '0', RATE_LIMIT: 'off' });
const running = await startServer(config, {
  log: createLog({ level: 'warn', pretty: false }),
  ...(WITHOUT_ACCOUNTING ? { openLedger: openNoLedger } : {}),
});
process.send?.(running.url);
// Asked for the processor time it has used so far, in microseconds.
process.on('message', () => {
  const { user, system } = process.cpuUsage();
  process.send?.(user + system);
});
process.once('SIGTERM', () => void running.stop(1_000).then(() => process.exit()));
