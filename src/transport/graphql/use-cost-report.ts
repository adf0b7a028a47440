import type { IncomingHttpHeaders } from 'node:http';
import { Decimal } from 'decimal.js';
import type { ExecutionResult } from 'graphql';
import type { Plugin } from 'graphql-yoga';
import type { Usd } from '../../kernel/prices.ts';
import { complexityOf } from '../../schema/limits/complexity-of.ts';
import { refusal } from '../http/request-refusal.ts';
import type { OperationContext } from './use-operations.ts';

/** The most that an operation may cost (`x-tessera-max-cost`, US dollars). Throws BAD_USER_INPUT when it is no amount. */
export function readMaxCost(headers: IncomingHttpHeaders | undefined): Usd | null {
  const value = headers?.['x-tessera-max-cost'];
  if (value === undefined) return null;
  if (typeof value === 'string' && /^\d{1,9}(\.\d{1,12})?$/.test(value.trim())) return value.trim();
  throw refusal(
    'BAD_USER_INPUT',
    'x-tessera-max-cost takes an amount of US dollars, such as 0.05.',
  );
}

/**
 * Yoga plugin: with `x-tessera-cost: 1` a result tells in `extensions.cost` what its operation could have cost at worst and
 * what it did cost. Streams tell the cost of their run in its last event.
 */
export function useCostReport(): Plugin {
  return {
    onExecute({ args }) {
      const context = args.contextValue as object as OperationContext;
      if (context.req?.headers['x-tessera-cost'] !== '1') return undefined;
      return {
        async onExecuteDone({ result, setResult }) {
          if (Symbol.asyncIterator in result) return;
          const cost = await costOf(context, args);
          setResult({ ...result, extensions: { ...(result as ExecutionResult).extensions, cost } });
        },
      };
    },
  };
}

async function costOf(
  context: OperationContext,
  { schema, document, variableValues }: Parameters<NonNullable<Plugin['onExecute']>>[0]['args'],
) {
  const complexity = complexityOf(document, { schema, variables: variableValues, context });
  const usage = await context.services.ledger.usageByRun([...context.runIds]);
  const costs = usage.map(({ cost }) => cost);
  const spent = costs.includes(null) ? null : Decimal.sum(0, ...(costs as Usd[])).toFixed();
  const worstCase = (await context.worstCase?.catch(() => null)) ?? null;
  return { complexity, worstCase, spent };
}
