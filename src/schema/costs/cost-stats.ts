import { type GraphQLResolveInfo, Kind, type SelectionSetNode } from 'graphql';
import type { CostStats, CostStatsRequest } from '../../ledger/ledger.ts';
import type { Builder } from '../builder.ts';
import { encodeGlobalId, type GlobalIdType } from '../global-id.ts';
import { userScope } from '../limits/access.ts';
import { nameSchema } from '../name-schema.ts';
import { statsWindow } from './stats-window.ts';
import { cacheTotalFields, declareTokenTotals, tokenTotalFields } from './token-totals.ts';

const name = nameSchema();

function declareCostStatsType(builder: Builder): void {
  builder.objectType('CostStats', {
    fields: (t) => ({
      requests: t.exposeInt('requests'),
      errors: t.exposeInt('errors'),
      cacheHits: t.exposeInt('cacheHits'),
      totalCost: t.expose('totalCost', { type: 'USD' }),
      ...tokenTotalFields(t),
      ...cacheTotalFields(t),
      averageDurationMs: t.exposeFloat('averageDurationMs', { nullable: true }),
      p50DurationMs: t.exposeFloat('p50DurationMs', { nullable: true }),
      p95DurationMs: t.exposeFloat('p95DurationMs', { nullable: true }),
      p99DurationMs: t.exposeFloat('p99DurationMs', { nullable: true }),
      averageTimeToFirstTokenMs: t.exposeFloat('averageTimeToFirstTokenMs', { nullable: true }),
      costByModel: t.expose('costByModel', { type: ['ModelCost'] }),
      groups: t.expose('groups', { type: ['CostGroup'] }),
      series: t.expose('series', { type: ['CostPoint'] }),
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
    fields: (t) => ({
      model: t.exposeString('model'),
      requests: t.exposeInt('requests'),
      cost: t.expose('cost', { type: 'USD' }),
    }),
  });
  builder.objectType('CostGroup', {
    fields: (t) => ({
      key: t.field({
        type: 'JSON',
        description:
          'A value for each dimension, by its name; API keys and prompt versions by their ids.',
        resolve: ({ key }) => withGlobalIds(key),
      }),
      requests: t.exposeInt('requests'),
      totalCost: t.expose('totalCost', { type: 'USD' }),
      ...tokenTotalFields(t),
      averageDurationMs: t.exposeFloat('averageDurationMs', { nullable: true }),
    }),
  });
  builder.objectType('CostPoint', {
    fields: (t) => ({
      start: t.expose('start', { type: 'DateTime' }),
      requests: t.exposeInt('requests'),
      totalCost: t.expose('totalCost', { type: 'USD' }),
      ...tokenTotalFields(t),
      errors: t.exposeInt('errors'),
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

/** `CostStats`, and the query over one's own calls, for an admin over everybody's. */
export function declareCostStats(builder: Builder): void {
  declareTokenTotals(builder);
  declareCostStatsType(builder);
  declareParts(builder);
  const CostStatsInput = builder.inputType('CostStatsInput', {
    fields: (t) => ({
      window: t.field({ type: 'StatsWindow' }),
      userId: t.string({ validate: { schema: name } }),
      model: t.string({ validate: { schema: name } }),
      prompt: t.string({ validate: { schema: name } }),
      kind: t.field({ type: 'RunKind' }),
      groupBy: t.field({ type: ['CostDimension'], validate: { maxLength: 7 } }),
      bucket: t.field({ type: 'StatsBucket' }),
    }),
  });
  builder.queryField('costStats', (t) =>
    t.field({
      type: 'CostStats',
      description: 'Of the caller’s own calls; for an admin of everybody’s, or of one user’s.',
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
