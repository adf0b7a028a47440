import type { GraphQLSchema } from 'graphql';
import { roles } from '../src/kernel/access/principal.ts';
import { reachOfRoles } from '../src/kernel/access/reach.ts';
import { rolesOfScope, type Scope } from '../src/schema/limits/auth-scopes.ts';
import { fieldScopes } from '../src/schema/limits/field-scopes.ts';

const begin = '<!-- tables: npm run schema:print writes them -->';
const end = '<!-- end of the tables -->';

const row = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
const head = (first: string): string[] => [
  row([first, ...roles]),
  row(['---', ...roles.map(() => ':-:')]),
];
const marks = (allowed: readonly string[]): string[] =>
  roles.map((role) => (role === 'ADMIN' || allowed.includes(role) ? '●' : ''));

function fieldTable(schema: GraphQLSchema): string[] {
  const rows = fieldScopes(schema).map(({ field, scopes }) => {
    const allowed = scopes.flatMap((scope) => rolesOfScope[scope as Scope] ?? []);
    return row([`\`${field}\``, ...marks(allowed)]);
  });
  return [...head('Field'), ...rows];
}

function reachTable(): string[] {
  const rows = Object.entries(reachOfRoles).map(([reach, allowed]) =>
    row([reach, ...marks(allowed)]),
  );
  return [...head("Everybody's"), ...rows];
}

/** A page with its tables as the code has them: fields that each role may use, and records that it reaches. */
export function withAccessTables(page: string, schema: GraphQLSchema): string {
  const [before = '', rest = ''] = page.split(begin);
  const [, after = ''] = rest.split(end);
  const tables = [...fieldTable(schema), '', ...reachTable()].join('\n');
  return `${before}${begin}\n\n${tables}\n\n${end}${after}`;
}
