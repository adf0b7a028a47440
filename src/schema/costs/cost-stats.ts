import { type GraphQLResolveInfo, Kind, type SelectionSetNode } from 'graphql';
import type { CostStats, CostStatsRequest } from '../../ledger/ledger.ts';
import type { Builder, ObjectFields } from '../builder.ts';
import { encodeGlobalId, type GlobalIdType } from '../global-id.ts';
import { userScope } from '../limits/access.ts';
import { nameSchema } from '../name-schema.ts';
import { statsWindow } from './stats-window.ts';
import { cacheTotalFields, declareTokenTotals, tokenTotalFields } from './token-totals.ts';

const name = nameSchema();

const durationFields = (t: ObjectFields<CostStats>) => ({
  averageDurationMs: t.exposeFloat('averageDurationMs', {
    nullable: true,
    description: 'Mean duration of a call; null without calls.',
  }),
  p50DurationMs: t.exposeFloat('p50DurationMs', {
    nullable: true,
    description: 'Median duration of a call; null without calls.',
  }),
  p95DurationMs: t.exposeFloat('p95DurationMs', {
    nullable: true,
    description: '95th percentile of the duration; null without calls.',
  }),
  p99DurationMs: t.exposeFloat('p99DurationMs', {
    nullable: true,
    description: '99th percentile of the duration; null without calls.',
  }),
  averageTimeToFirstTokenMs: t.exposeFloat('averageTimeToFirstTokenMs', {
    nullable: true,
    description: 'Mean time to the first token; null without calls that emitted one.',
  }),
});

function declareCostStatsType(builder: Builder): void {
  builder.objectType('CostStats', {
    description: 'Exact sums over the model calls of a window.',
    fields: (t) => ({
      requests: t.exposeInt('requests', { description: 'Number of calls.' }),
      errors: t.exposeInt('errors', { description: 'Calls that failed or were interrupted.' }),
      cacheHits: t.exposeInt('cacheHits', {
        description: 'Calls answered from the response cache.',
      }),
      totalCost: t.expose('totalCost', {
        type: 'USD',
        description: 'Sum of the calls with a known price.',
      }),
      ...tokenTotalFields(t),
      ...cacheTotalFields(t),
      ...durationFields(t),

      costByModel: t.expose('costByModel', {
        type: ['ModelCost'],
        description: 'Cost of each model, most expensive first.',
      }),
      groups: t.expose('groups', {
        type: ['CostGroup'],
        description:
          'One entry for each combination of the `groupBy` dimensions; empty without `groupBy`.',
      }),
      series: t.expose('series', {
        type: ['CostPoint'],
        description: 'One entry for each `bucket` of the window; empty without `bucket`.',
      }),
    }),
  });
}

const idTypes: Readonly<Record<string, GlobalIdType>> = {
  API_KEY: 'ApiKey',
  PROMPT_VERSION: 'PromptVersion',
};

function withGlobalIds(key: CostStats['groups'][number]['key']): Record<string, string | null> {
  const entries = Object.entries(key).map(([dimension, value]) => {
    const type = idTypes[dimension];
    return [dimension, type && value !== null ? encodeGlobalId(type, value) : value] as const;
  });
  return Object.fromEntries(entries);
}

function declareParts(builder: Builder): void {
  builder.objectType('ModelCost', {
    description: 'Sums of one model.',
    fields: (t) => ({
      model: t.exposeString('model', { description: 'Name of the model.' }),
      requests: t.exposeInt('requests', { description: 'Number of calls.' }),
      cost: t.expose('cost', { type: 'USD', description: 'Sum of the calls with a known price.' }),
    }),
  });
  builder.objectType('CostGroup', {
    description: 'Sums of one group of calls.',
    fields: (t) => ({
      key: t.field({
        type: 'JSON',
        description:
          "The value of each dimension, by the dimension's name. API keys and prompt versions are given by their ids.",
        resolve: ({ key }) => withGlobalIds(key),
      }),
      requests: t.exposeInt('requests', { description: 'Number of calls.' }),
      totalCost: t.expose('totalCost', {
        type: 'USD',
        description: 'Sum of the calls with a known price.',
      }),
      ...tokenTotalFields(t),
      averageDurationMs: t.exposeFloat('averageDurationMs', {
        nullable: true,
        description: 'Mean duration of a call.',
      }),
    }),
  });
  builder.objectType('CostPoint', {
    description: 'Sums of one bucket of time.',
    fields: (t) => ({
      start: t.expose('start', { type: 'DateTime', description: 'Start of the bucket.' }),
      requests: t.exposeInt('requests', { description: 'Number of calls.' }),
      totalCost: t.expose('totalCost', {
        type: 'USD',
        description: 'Sum of the calls with a known price.',
      }),
      ...tokenTotalFields(t),
      errors: t.exposeInt('errors', { description: 'Calls that failed or were interrupted.' }),
    }),
  });
}

type CostStatsInputValue = {
  [Field in keyof Omit<CostStatsRequest, 'window'>]: CostStatsRequest[Field] | undefined;
};

/** Without them the ledger need not sort all durations. */
const percentileFields = ['p50DurationMs', 'p95DurationMs', 'p99DurationMs'];

/** Is one of these fields selected, by itself or in a fragment? Conditions of `@skip` and `@include` are not looked at. */
function asksFor(info: GraphQLResolveInfo, names: readonly string[]): boolean {
  const selects = ({ selections }: SelectionSetNode): boolean =>
    selections.some((selection) => {
      if (selection.kind === Kind.FIELD) return names.includes(selection.name.value);
      if (selection.kind === Kind.INLINE_FRAGMENT) return selects(selection.selectionSet);
      const fragment = info.fragments[selection.name.value];
      return fragment !== undefined && selects(fragment.selectionSet);
    });
  return info.fieldNodes.some(({ selectionSet }) => selectionSet && selects(selectionSet));
}

/** `CostStats`, and the query that sums the caller's calls, or those of all users. */
export function declareCostStats(builder: Builder): void {
  declareTokenTotals(builder);
  declareCostStatsType(builder);
  declareParts(builder);
  const CostStatsInput = builder.inputType('CostStatsInput', {
    description: 'Filters and grouping of `costStats`. Filters are combined with AND.',
    fields: (t) => ({
      window: t.field({ type: 'StatsWindow', description: 'Time window. Default: the last hour.' }),
      userId: t.string({
        description:
          'Calls of this user. Another user than the caller requires a role that may read all costs.',
        validate: { schema: name },
      }),
      model: t.string({ description: 'Calls of this model.', validate: { schema: name } }),
      prompt: t.string({
        description: 'Calls of the registered prompt of this name.',
        validate: { schema: name },
      }),
      kind: t.field({ type: 'RunKind', description: 'Calls of runs of this kind.' }),
      groupBy: t.field({
        type: ['CostDimension'],
        description: 'Dimensions of `groups`.',
        validate: { maxLength: 7 },
      }),
      bucket: t.field({ type: 'StatsBucket', description: 'Length of the buckets of `series`.' }),
    }),
  });
  builder.queryField('costStats', (t) =>
    t.field({
      type: 'CostStats',
      description:
        "Sums cost, tokens and durations of calls: the caller's own, or everybody's for roles that may read all costs.",
      authScopes: { user: true, auditor: true },
      args: { input: t.arg({ type: CostStatsInput }) },
      resolve: (_root, { input }, context, info) => {
        const { window, ...rest } = input ?? {};
        const filters: CostStatsInputValue = rest;
        const userId = userScope(context, 'costs', filters.userId);
        const percentiles = asksFor(info, percentileFields);
        return context.services.ledger.costStats({
          ...filters,
          window: statsWindow(window),
          userId,
          percentiles,
        });
      },
    }),
  );
}
