import type { RunFilter } from '../../runs/runs.ts';
import type { Builder } from '../builder.ts';
import { pageArguments, pageRequest, toConnection } from '../connection.ts';
import type { GraphQLContext } from '../context.ts';
import { parseId } from '../global-id.ts';
import { userScope } from '../limits/access.ts';
import { pageCost } from '../limits/operation-limits.ts';
import { nameSchema } from '../name-schema.ts';
import { storableText } from '../storable-text.ts';
import { typedView } from './run-view.ts';

type RunFilterValue = Omit<RunFilter, 'conversationId'> & { conversation?: string | null };

/** A kind or status may be named once only: each is a list of its own. */
const distinct = <Value>(values: readonly Value[] | null | undefined): Value[] | null =>
  values ? [...new Set(values)] : null;

function toFilter(value: RunFilterValue, context: GraphQLContext): RunFilter {
  const { conversation, kinds, statuses, tags, ...rest } = value;
  return {
    ...rest,
    // To find a run by its words is to read them.
    userId: userScope(context, value.text == null ? 'runs' : 'content', value.userId),
    kinds: distinct(kinds),
    statuses: distinct(statuses),
    tags: distinct(tags),
    conversationId:
      conversation == null
        ? null
        : parseId('Conversation', conversation, ['filter', 'conversation']),
  };
}

function declareRunFilter(builder: Builder) {
  const name = { schema: nameSchema() };
  return builder.inputType('RunFilter', {
    description: 'Conditions on runs, combined with AND.',
    fields: (t) => ({
      kinds: t.field({
        type: ['RunKind'],
        description: 'Runs of these kinds.',
        validate: { maxLength: 10 },
      }),
      statuses: t.field({
        type: ['RunStatus'],
        description: 'Runs in these states.',
        validate: { maxLength: 10 },
      }),
      userId: t.string({
        description:
          'Runs of this user. Another user than the caller requires a role that may read all runs.',
        validate: name,
      }),
      model: t.string({ description: 'Runs of this model.', validate: name }),
      prompt: t.string({
        description: 'Runs of the registered prompt of this name.',
        validate: name,
      }),
      agent: t.string({ description: 'Runs of the agent of this name.', validate: name }),
      conversation: t.id({ description: 'Runs of this conversation.' }),
      tags: t.stringList({
        description: 'Runs that have all of these tags.',
        validate: { maxLength: 20, items: { schema: nameSchema(64) } },
      }),
      errorCode: t.field({ type: 'ErrorCode', description: 'Runs that ended with this error.' }),
      createdAfter: t.field({
        type: 'DateTime',
        description: 'Runs that began at this time or later.',
      }),
      createdBefore: t.field({
        type: 'DateTime',
        description: 'Runs that began before this time.',
      }),
      minCost: t.field({
        type: 'USD',
        description: 'Runs that have ended and cost at least this much.',
      }),
      text: t.string({
        description:
          'Full-text search over prompt and answer: all words must occur within the first 50,000 characters of either. Runs that have not ended are left out.',
        validate: { schema: storableText(1_000) },
      }),
    }),
  });
}

export const declareRunConnection = (builder: Builder) =>
  builder.connectionObject(
    { type: 'Run', name: 'RunConnection', description: 'A page of runs.' },
    { name: 'RunEdge', description: 'A run within a page.' },
  );

export type RunConnection = ReturnType<typeof declareRunConnection>;

/** The list of runs. */
export function declareRunList(builder: Builder, connection: RunConnection): void {
  const RunFilterInput = declareRunFilter(builder);
  builder.queryField('runs', (t) =>
    t.field({
      type: connection,
      description:
        "Lists runs, newest first: the caller's own, or everybody's for roles that may read all runs.",
      authScopes: { user: true, editor: true, operator: true, auditor: true },
      complexity: pageCost,
      args: {
        ...pageArguments(t.arg),
        filter: t.arg({ type: RunFilterInput, description: 'Conditions on the runs.' }),
      },
      resolve: async (_root, { filter, ...place }, context) => {
        const { services } = context;
        const request = { ...pageRequest(place), filter: toFilter(filter ?? {}, context) };
        const { edges, ...page } = await services.runs.list(request);
        const views = edges.map((edge) => ({
          ...edge,
          node: typedView(edge.node, services.registry),
        }));
        return toConnection({ ...page, edges: views });
      },
    }),
  );
}
