import type { Database, Queryable } from '../../data/database.ts';
import { newId } from '../../data/new-id.ts';
import { DomainError, type Issue } from '../../kernel/errors.ts';
import { pageOf, readPageRequest, uuidPattern } from '../../kernel/page-cursor.ts';
import { byId, byKey, isStorable, promptNotFound, sqlState } from '../prompt-rows.ts';
import { forgetPromptStates } from '../prompt-state.ts';
import type { ExperimentRecord, Prompts } from '../prompts.ts';

const selectExperiments = `
  SELECT e."id", e."name", e."promptId", e."status", e."startedAt", e."endedAt",
    (SELECT json_agg(json_build_object('id', v."id", 'experimentId', v."experimentId",
       'name', v."name", 'versionId', v."versionId", 'weight', v."weight") ORDER BY v."id")
     FROM "ExperimentVariant" v WHERE v."experimentId" = e."id") AS "variants"
  FROM "Experiment" e`;

const select = (
  queryable: Queryable,
  condition: string,
  values: readonly unknown[],
): Promise<ExperimentRecord[]> =>
  queryable.query<ExperimentRecord>(`${selectExperiments} WHERE ${condition}`, values);

const invalid = (issues: Issue[]): DomainError<'EXPERIMENT_INVALID'> =>
  new DomainError('EXPERIMENT_INVALID', issues.map(({ message }) => message).join('; '), {
    details: { issues },
  });

const notFound = (name: string): DomainError<'NOT_FOUND'> =>
  new DomainError('NOT_FOUND', `There is no experiment "${name}".`);

/** Two unique indexes can object: the experiment's name, and one running experiment for each prompt. */
function conflict(error: unknown, name: string): unknown {
  if (sqlState(error) !== '23505') return error;
  const running = String((error as { constraint?: unknown }).constraint).includes('one_running');
  return new DomainError(
    'CONFLICT',
    running
      ? `Another experiment runs on the prompt of "${name}": stop it first, one at a time decides.`
      : `There is an experiment "${name}" already: choose another name.`,
    { cause: error },
  );
}

type CreateInput = Parameters<Prompts['createExperiment']>[0];
type WeightsInput = Parameters<Prompts['setExperimentWeights']>[0];

const maxWeight = 1_000_000;

/** What is wrong with names and weights; `variants` may be all of an experiment or some. */
function variantIssues(variants: WeightsInput['variants']): Issue[] {
  const issues: Issue[] = [];
  for (const [index, { name, weight }] of variants.entries()) {
    const add = (field: string, message: string): void =>
      void issues.push({ path: ['variants', String(index), field], message });
    if (name.trim() === '' || !isStorable(name)) add('name', 'a variant needs a name');
    else if (variants.findIndex((other) => other.name === name) < index) {
      add('name', `there are two variants "${name}"`);
    }
    if (!(weight > 0 && weight <= maxWeight)) {
      add('weight', `a weight must be a number above 0, and ${maxWeight} at most`);
    }
  }
  return issues;
}

function inputIssues({ name, variants }: CreateInput): Issue[] {
  const issues: Issue[] = [];
  const add = (path: string[], message: string): void => void issues.push({ path, message });
  if (name.trim() === '' || !isStorable(name)) add(['name'], 'an experiment needs a name');
  if (variants.length === 0) add(['variants'], 'an experiment needs at least one variant');
  return [...issues, ...variantIssues(variants)];
}

/** The ids of the versions that the variants name, in their order. */
async function versionIds(
  transaction: Queryable,
  promptId: string,
  { variants, prompt }: CreateInput,
): Promise<string[]> {
  const versions = await transaction.query<{ id: string; number: number }>(
    'SELECT "id", "number" FROM "PromptVersion" WHERE "promptId" = $1 AND "number" = ANY($2::int[])',
    [promptId, variants.map(({ version }) => version)],
  );
  const ids = variants.map(({ version }) => versions.find(({ number }) => number === version)?.id);
  const issues = variants.flatMap(({ version }, index) =>
    ids[index] === undefined
      ? {
          path: ['variants', String(index), 'version'],
          message: `the prompt "${prompt}" has no version ${version}`,
        }
      : [],
  );
  if (issues.length > 0) throw invalid(issues);
  return ids as string[];
}

async function insertExperiment(
  transaction: Queryable,
  input: CreateInput,
  author: string,
): Promise<string> {
  const [prompt] = isStorable(input.prompt)
    ? await transaction.query<{ id: string }>('SELECT "id" FROM "Prompt" WHERE "name" = $1', [
        input.prompt,
      ])
    : [];
  if (!prompt) throw promptNotFound(input.prompt);
  const versions = await versionIds(transaction, prompt.id, input);
  const id = newId();
  await transaction.query(
    `INSERT INTO "Experiment" ("id", "name", "promptId", "status", "createdBy", "startedAt")
     VALUES ($1, $2, $3, $4, $5, CASE WHEN $4 = 'RUNNING' THEN now() END)`,
    [id, input.name, prompt.id, input.start ? 'RUNNING' : 'DRAFT', author],
  );
  for (const [index, { name, weight }] of input.variants.entries()) {
    await transaction.query(
      `INSERT INTO "ExperimentVariant" ("id", "experimentId", "name", "versionId", "weight")
       VALUES ($1, $2, $3, $4, $5)`,
      [newId(), id, name, versions[index], weight],
    );
  }
  return id;
}

type ExperimentStore = Pick<
  Prompts,
  | 'experiment'
  | 'experiments'
  | 'experimentsById'
  | 'experimentOf'
  | 'experimentsOf'
  | 'createExperiment'
  | 'startExperiment'
  | 'stopExperiment'
  | 'setExperimentWeights'
>;

/** Experiments as they are stored. What each did to its runs is `createVariantStatistics`. */
export function createExperimentStore(database: Database): ExperimentStore {
  const experiment: Prompts['experiment'] = async (name) => {
    const [found] = isStorable(name) ? await select(database, 'e."name" = $1', [name]) : [];
    return found ?? null;
  };
  const experimentsById: Prompts['experimentsById'] = (ids) =>
    byId(ids, (known) => select(database, 'e."id" = ANY($1::uuid[])', [known]));
  const experimentsOf: Prompts['experimentsOf'] = (promptIds) =>
    byKey(
      promptIds,
      (known) =>
        select(
          database,
          `e."id" IN (
             SELECT DISTINCT ON (n."promptId") n."id" FROM "Experiment" n
             WHERE n."promptId" = ANY($1::uuid[])
             ORDER BY n."promptId", (n."status" = 'RUNNING') DESC, n."createdAt" DESC, n."id" DESC)`,
          [known],
        ),
      ({ promptId }) => promptId,
    );

  async function change(name: string, sql: string, refusal: string): Promise<ExperimentRecord> {
    const before = await experiment(name);
    if (!before) throw notFound(name);
    try {
      const changed = await database.query(sql, [before.id]);
      forgetPromptStates(database);
      if (changed.length === 0) throw invalid([{ path: ['name'], message: refusal }]);
    } catch (error) {
      throw conflict(error, name);
    }
    return (await experiment(name)) ?? before;
  }

  const setExperimentWeights: Prompts['setExperimentWeights'] = async ({ name, variants }) => {
    const before = await experiment(name);
    if (!before) throw notFound(name);
    const known = new Set(before.variants.map((variant) => variant.name));
    const unknown = variants.flatMap((variant, index) =>
      known.has(variant.name)
        ? []
        : {
            path: ['variants', String(index), 'name'],
            message: `the experiment "${name}" has no variant "${variant.name}"`,
          },
    );
    const issues = [...variantIssues(variants), ...unknown];
    if (issues.length > 0) throw invalid(issues);
    await database.query(
      `UPDATE "ExperimentVariant" v SET "weight" = w."weight"
       FROM unnest($2::text[], $3::float8[]) AS w("name", "weight")
       WHERE v."experimentId" = $1 AND v."name" = w."name"`,
      [before.id, variants.map((variant) => variant.name), variants.map(({ weight }) => weight)],
    );
    forgetPromptStates(database);
    return (await experiment(name)) ?? before;
  };

  return {
    experiment,
    async experiments(request) {
      const page = readPageRequest(request, uuidPattern);
      const rows = await select(
        database,
        '$1::uuid IS NULL OR e."id" < $1::uuid ORDER BY e."id" DESC LIMIT $2',
        [page.after, page.size + 1],
      );
      return pageOf(rows, page, ({ id }) => id);
    },
    experimentsById,
    setExperimentWeights,
    experimentsOf,
    experimentOf: async (promptId) => (await experimentsOf([promptId]))[0] ?? null,
    createExperiment: async (input, author) => {
      const issues = inputIssues(input);
      if (issues.length > 0) throw invalid(issues);
      try {
        const id = await database.transaction((transaction) =>
          insertExperiment(transaction, input, author),
        );
        forgetPromptStates(database);
        return (await experimentsById([id]))[0] as ExperimentRecord;
      } catch (error) {
        throw conflict(error, input.name);
      }
    },
    startExperiment: (name) =>
      change(
        name,
        `UPDATE "Experiment"
         SET "status" = 'RUNNING', "startedAt" = COALESCE("startedAt", now()), "endedAt" = NULL
         WHERE "id" = $1 RETURNING "id"`,
        `the experiment "${name}" cannot be started`,
      ),
    stopExperiment: (name) =>
      change(
        name,
        `UPDATE "Experiment"
         SET "status" = 'STOPPED', "endedAt" = COALESCE("endedAt", now())
         WHERE "id" = $1 AND "status" <> 'DRAFT' RETURNING "id"`,
        `the experiment "${name}" was never started`,
      ),
  };
}
