import DataLoader from 'dataloader';
import type { Database } from '../data/database.ts';
import { isStorable } from './prompt-rows.ts';
import type { ExperimentRecord } from './prompts.ts';

/** What decides which version a call gets, as it stands when the call comes. */
export interface PromptState {
  id: string;
  name: string;
  /** Version ids by label. */
  labels: Record<string, string>;
  experiment: Pick<ExperimentRecord, 'id' | 'name' | 'variants'> | null;
}

const readStates = (database: Database, names: readonly string[]): Promise<PromptState[]> =>
  database.query<PromptState>(
    `SELECT p."id", p."name",
       COALESCE((SELECT json_object_agg(l."name", l."versionId")
         FROM "PromptLabel" l WHERE l."promptId" = p."id"), '{}') AS "labels",
       (SELECT json_build_object('id', e."id", 'name', e."name", 'variants',
           (SELECT json_agg(json_build_object('name', v."name", 'versionId', v."versionId",
             'weight', v."weight")) FROM "ExperimentVariant" v WHERE v."experimentId" = e."id"))
         FROM "Experiment" e
         WHERE e."promptId" = p."id" AND e."status" = 'RUNNING') AS "experiment"
     FROM "Prompt" p WHERE p."name" = ANY($1::text[])`,
    [names],
  );

type States = Map<string, PromptState | null>;

/** What is known of an embedded database's prompts; a new, empty map whenever one of them changes. */
const knownStates = new WeakMap<Database['prisma'], States>();

/** To be called once a label or an experiment has changed, before whoever changed it is told. */
export function forgetPromptStates(database: Database): void {
  knownStates.delete(database.prisma);
}

/**
 * Asks with one query for all calls that come while the query before is under way: a call sees what was committed
 * before it came, and under load a server asks once at a time.
 */
function createBatchedReader(database: Database): (name: string) => Promise<PromptState | null> {
  let underWay: Promise<unknown> = Promise.resolve();
  const loader = new DataLoader<string, PromptState | null>(
    async (names) => {
      const reading = readStates(database, [...new Set(names)]);
      underWay = reading.catch(() => undefined);
      const states = new Map((await reading).map((state) => [state.name, state]));
      return names.map((name) => states.get(name) ?? null);
    },
    {
      cache: false,
      batchScheduleFn: (dispatch) => void underWay.then(() => setImmediate(dispatch)),
    },
  );
  return (name) => loader.load(name);
}

/**
 * The state of a prompt by its name, null where there is none, such that a change is in force for the next call on
 * every server. A Postgres has several servers and is asked each time. An embedded database has this one (its folder is
 * locked), which knows of every change: it is asked once after each, which spares a call 0.45 ms of processor time.
 */
export function createStateReader(
  database: Database,
): (name: string) => Promise<PromptState | null> {
  const read = createBatchedReader(database);
  return async (name) => {
    if (!isStorable(name)) return null;
    if (database.kind !== 'embedded') return read(name);
    const states: States = knownStates.get(database.prisma) ?? new Map();
    knownStates.set(database.prisma, states);
    const known = states.get(name);
    if (known !== undefined) return known;
    const state = await read(name);
    // Into the map from before the reading: should a change have come meanwhile, that one is forgotten already.
    if (state) states.set(name, state);
    return state;
  };
}
