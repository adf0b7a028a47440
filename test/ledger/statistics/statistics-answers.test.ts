import { afterAll, beforeAll, expect, test } from 'vitest';
import { newId } from '../../../src/data/new-id.ts';
import { encodeGlobalId } from '../../../src/schema/global-id.ts';
import { startTestServer, type TestServer } from '../../support/start-test-server.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server[Symbol.asyncDispose]());

const maxInt = 2 ** 31 - 1;
const STATISTICS = `query ($userId: String!, $groupBy: [CostDimension!]) {
  costStats(input: { window: { last: "P1D" }, userId: $userId, groupBy: $groupBy, bucket: DAY }) {
    ...sums cacheReadTokens cacheWriteTokens
    groups { key inputTokens outputTokens tokens { input output cacheRead cacheWrite } }
    series { inputTokens outputTokens tokens { input output cacheRead cacheWrite } } } }
  fragment sums on CostStats { inputTokens outputTokens tokens { input output cacheRead cacheWrite } }`;

interface Totals {
  inputTokens: number;
  outputTokens: number;
  tokens: { input: number; output: number; cacheRead: number; cacheWrite: number };
}
interface Statistics {
  costStats: Totals & {
    cacheReadTokens: number;
    cacheWriteTokens: number;
    groups: (Totals & { key: Record<string, unknown> })[];
    series: Totals[];
  };
}

test('sums past 2^31 are answered whole, and as the largest Int', async () => {
  await server.database.query(
    `INSERT INTO "UsageRecord" (id, "runId", "requestId", "userId", kind, provider, model, "inputTokens",
       "outputTokens", "cacheReadTokens", "cacheWriteTokens", cost, status, "durationMs")
     SELECT gen_random_uuid(), gen_random_uuid(), 'r', 'dora', 'COMPLETION', 'anthropic', 'm', 2000000000,
       1500000000, 1900000000, 1100000000, 0.01, 'succeeded', 1 FROM generate_series(1, 2)`,
  );
  const { costStats } = await server.data<Statistics>(STATISTICS, {
    userId: 'dora',
    groupBy: ['MODEL'],
  });
  const whole = { input: 4e9, output: 3e9, cacheRead: 3.8e9, cacheWrite: 2.2e9 };
  const totals = { inputTokens: maxInt, outputTokens: maxInt, tokens: whole };
  expect(costStats).toMatchObject({
    ...totals,
    cacheReadTokens: maxInt,
    cacheWriteTokens: maxInt,
    groups: [totals],
  });
  expect(costStats.series.at(-1)).toEqual(totals);
});

test('API keys and prompt versions stand in the groups by their ids', async () => {
  const apiKeyId = newId();
  const promptVersionId = newId();
  await server.database.query(
    `INSERT INTO "UsageRecord" (id, "runId", "requestId", "userId", "apiKeyId", kind, provider, model, "promptVersionId",
       "inputTokens", "outputTokens", "cacheReadTokens", "cacheWriteTokens", cost, status, "durationMs")
     VALUES (gen_random_uuid(), gen_random_uuid(), 'r', 'eve', $1, 'COMPLETION', 'anthropic', 'm', $2, 1, 1, 0, 0,
       0.01, 'succeeded', 1)`,
    [apiKeyId, promptVersionId],
  );
  const { costStats } = await server.data<Statistics>(STATISTICS, {
    userId: 'eve',
    groupBy: ['API_KEY', 'PROMPT_VERSION', 'VARIANT'],
  });
  expect(costStats.groups.map(({ key }) => key)).toEqual([
    {
      API_KEY: encodeGlobalId('ApiKey', apiKeyId),
      PROMPT_VERSION: encodeGlobalId('PromptVersion', promptVersionId),
      VARIANT: null,
    },
  ]);
});
