import DataLoader from 'dataloader';
import type { Database } from '../../data/database.ts';
import type { Prompts, VariantStatistics } from '../prompts.ts';
import { meanInterval } from './mean-interval.ts';

interface RunRow {
  experimentId: string;
  variant: string;
  runs: number;
  averageDurationMs: number | null;
}

interface CostRow {
  experimentId: string;
  variant: string;
  cost: string;
}

interface ScoreRow {
  experimentId: string;
  variant: string;
  name: string;
  count: number;
  mean: number;
  standardDeviation: number | null;
}

/** Larger ones, which a former version took, would overflow the sum of squares. */
const maxScore = 1e12;

const ofRuns = `FROM "Run" r WHERE r."experimentId" = ANY($1::uuid[]) AND r."variant" IS NOT NULL`;
const joined = (table: string): string =>
  `FROM "Run" r JOIN "${table}" x ON x."runId" = r."id"
   WHERE r."experimentId" = ANY($1::uuid[]) AND r."variant" IS NOT NULL`;

async function readStatistics(
  database: Database,
  ids: readonly string[],
): Promise<Map<string, VariantStatistics>[]> {
  const [runs, costs, scores] = await Promise.all([
    database.query<RunRow>(
      `SELECT r."experimentId", r."variant", COUNT(*)::int AS "runs",
              AVG(r."durationMs") AS "averageDurationMs"
       ${ofRuns} GROUP BY 1, 2`,
      [ids],
    ),
    database.query<CostRow>(
      `SELECT r."experimentId", r."variant", COALESCE(trim_scale(SUM(x."cost")), 0)::text AS "cost"
       ${joined('UsageRecord')} GROUP BY 1, 2`,
      [ids],
    ),
    database.query<ScoreRow>(
      `SELECT "experimentId", "variant", "name", COUNT(*)::int AS "count",
              AVG("value") AS "mean", STDDEV_SAMP("value") AS "standardDeviation"
       FROM (SELECT DISTINCT ON (x."runId", x."name", x."userId")
               r."experimentId", r."variant", x."name", x."value"
             ${joined('Score')}
             ORDER BY x."runId", x."name", x."userId", x."createdAt" DESC, x."id" DESC) newest
       WHERE ABS("value") <= ${maxScore} GROUP BY 1, 2, 3 ORDER BY 3`,
      [ids],
    ),
  ]);
  const here = (row: RunRow) => (other: { experimentId: string; variant: string }) =>
    other.experimentId === row.experimentId && other.variant === row.variant;
  return ids.map((id) => {
    const ofExperiment = runs.filter(({ experimentId }) => experimentId === id);
    return new Map(
      ofExperiment.map((row) => [
        row.variant,
        {
          runs: row.runs,
          cost: costs.find(here(row))?.cost ?? '0',
          averageDurationMs: row.averageDurationMs,
          scores: scores.filter(here(row)).map((score) => ({
            name: score.name,
            count: score.count,
            mean: score.mean,
            ...meanInterval(score),
          })),
        },
      ]),
    );
  });
}

/** Three queries for all experiments asked for in one tick. Variants without a run are left out. */
export function createVariantStatistics(database: Database): Prompts['variantStatistics'] {
  const loader = new DataLoader<string, Map<string, VariantStatistics>>(
    (ids) => readStatistics(database, ids),
    // Nothing is kept: the next tick reads what the runs have come to by then.
    { cache: false },
  );
  return (experimentId) => loader.load(experimentId);
}
