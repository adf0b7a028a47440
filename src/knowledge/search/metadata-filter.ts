import type { Issue } from '../../kernel/errors.ts';
import { isStorable } from '../../kernel/json/storable-text.ts';
import { InvalidFilterError } from './invalid-filter-error.ts';

type Scalar = string | number | boolean | null;

/** A filter, checked: a tree whose leaves each test one place of a document's metadata. */
export type MetadataFilter =
  | { kind: 'and' | 'or'; parts: MetadataFilter[] }
  | { kind: 'not'; part: MetadataFilter }
  | { kind: 'in'; field: string; values: Scalar[] }
  | { kind: 'range'; field: string; operator: '<' | '<=' | '>' | '>='; bound: string | number }
  | { kind: 'exists'; field: string; expected: boolean };

const maxConditions = 100;
const deepest = 10;
const maxValues = 1_000;
const maxStringLength = 2_000;
const ranges = { gt: '>', gte: '>=', lt: '<', lte: '<=' } as const;
const operators = ['eq', 'ne', 'in', 'nin', 'gt', 'gte', 'lt', 'lte', 'exists'];

interface Parsing {
  issues: Issue[];
  conditions: number;
}

/**
 * Reads a filter over documents' metadata. `{ field: value }` is equality (or membership, where the metadata holds a
 * list), `{ field: { operator: value } }` one of eq, ne, in, nin, gt, gte, lt, lte, exists, and `and`, `or` (lists) and
 * `not` combine; operators may be written with a leading `$`. A dot in a field descends: `author.name`. Several keys in one
 * object must all hold. Ranges compare numbers with numbers and strings with strings, so ISO dates work; `null` also
 * matches what is absent. An object without a condition is refused: it would match everything. Throws
 * `InvalidFilterError`; undefined for no filter.
 */
export function parseMetadataFilter(input: unknown): MetadataFilter | undefined {
  if (input === undefined || input === null) return undefined;
  const parsing: Parsing = { issues: [], conditions: 0 };
  const filter = parseObject(input, [], parsing);
  if (parsing.conditions > maxConditions) {
    const message = `a filter has at most ${maxConditions} conditions, this one ${parsing.conditions}`;
    throw new InvalidFilterError([{ path: [], message }]);
  }
  if (parsing.issues.length > 0) throw new InvalidFilterError(parsing.issues.slice(0, 20));
  return filter;
}

function parseObject(input: unknown, path: string[], parsing: Parsing): MetadataFilter | undefined {
  const refuse = (message: string): undefined => {
    parsing.issues.push({ path, message });
  };
  if (!isObject(input)) return refuse('a filter is an object of conditions');
  if (path.length > deepest * 2) return refuse(`a filter nests at most ${deepest} deep`);
  const parts: MetadataFilter[] = [];
  const entries = Object.entries(input);
  if (entries.length === 0)
    return refuse('an empty filter would match everything: say what to match, or leave it out');
  for (const [key, value] of entries) {
    const part = parseEntry(key, value, [...path, key], parsing);
    if (part) parts.push(part);
    if (parsing.conditions > maxConditions) return undefined;
  }
  return parts.length === 0 ? undefined : all(parts);
}

function parseEntry(
  key: string,
  value: unknown,
  path: string[],
  parsing: Parsing,
): MetadataFilter | undefined {
  const refuse = (message: string): undefined => {
    parsing.issues.push({ path, message });
  };
  const word = key.replace(/^\$/, '').toLowerCase();
  if (word === 'and' || word === 'or') {
    if (!Array.isArray(value) || value.length === 0)
      return refuse(`"${key}" takes a list of filters, not an empty one`);
    if (value.length > maxConditions) parsing.conditions += value.length;
    if (parsing.conditions > maxConditions) return undefined;
    const parts = value.map((each, at) => parseObject(each, [...path, String(at)], parsing));
    return { kind: word, parts: parts.filter((part) => part !== undefined) };
  }
  if (word === 'not') {
    const part = parseObject(value, path, parsing);
    return part && { kind: 'not', part };
  }
  if (key.startsWith('$'))
    return refuse(`there is no operator "${key}" here; and, or, not combine`);
  if (key === '' || key.length > maxStringLength || key.includes('\0'))
    return refuse('a field needs a name');
  if (!isObject(value)) return parseOperator('eq', value, { field: key, path, parsing });
  const entries = Object.entries(value);
  if (entries.length === 0) return refuse(`say what "${key}" should be, or { exists: true }`);
  const parts = entries.map(([operator, operand]) =>
    parseOperator(operator, operand, { field: key, path: [...path, operator], parsing }),
  );
  return all(parts.filter((part) => part !== undefined));
}

function all(parts: MetadataFilter[]): MetadataFilter {
  return parts.length === 1 ? parts[0]! : { kind: 'and', parts };
}

function parseOperator(
  written: string,
  operand: unknown,
  place: { field: string; path: string[]; parsing: Parsing },
): MetadataFilter | undefined {
  const { field, path, parsing } = place;
  parsing.conditions += 1;
  const refuse = (message: string): undefined => {
    parsing.issues.push({ path, message });
  };
  const operator = written.replace(/^\$/, '');
  if (operator === 'exists')
    return typeof operand === 'boolean'
      ? { kind: 'exists', field, expected: operand }
      : refuse('"exists" takes true or false');
  if (operator === 'in' || operator === 'nin') {
    if (!Array.isArray(operand) || operand.length > maxValues || !operand.every(isScalar))
      return refuse(
        `"${written}" takes a list of at most ${maxValues} strings, numbers or booleans`,
      );
    const among: MetadataFilter = { kind: 'in', field, values: operand };
    return operator === 'in' ? among : { kind: 'not', part: among };
  }
  if (operator === 'eq' || operator === 'ne') {
    if (!isScalar(operand))
      return refuse(
        `"${field}" is compared with a string, number, boolean or null; for several values use "in"`,
      );
    const equal: MetadataFilter = { kind: 'in', field, values: [operand] };
    return operator === 'eq' ? equal : { kind: 'not', part: equal };
  }
  if (Object.hasOwn(ranges, operator)) {
    if (!isScalar(operand) || operand === null || typeof operand === 'boolean')
      return refuse(`"${written}" takes a number or a string`);
    const sign = ranges[operator as keyof typeof ranges];
    return { kind: 'range', field, operator: sign, bound: operand };
  }
  return refuse(
    `there is no operator "${written}": known are ${operators.join(', ')}; a nested field is written "${field}.${written}"`,
  );
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isScalar(value: unknown): value is Scalar {
  if (typeof value === 'string') return value.length <= maxStringLength && isStorable(value);
  return value === null || typeof value === 'boolean' || Number.isFinite(value);
}
