import { isRecord } from '../is-record.ts';
import { chooseLabel } from './label-choice.ts';
import { stringForField, type ValueSource } from './string-for-field.ts';
import { contentWords, splitSentences } from './word-overlap.ts';

interface Position {
  root: Record<string, unknown>;
  /** Name of the property being filled; empty at the root. */
  name: string;
  depth: number;
}

const MAX_DEPTH = 12;
const MAX_ITEMS = 3;

/** A value that a JSON schema accepts, with content from the source. The same input gives the same value. */
export function valueFromSchema(schema: unknown, source: ValueSource, name = ''): unknown {
  const root = isRecord(schema) ? schema : {};
  return valueAt(root, source, { root, name, depth: 0 });
}

function valueAt(schema: unknown, source: ValueSource, position: Position): unknown {
  if (!isRecord(schema) || position.depth > MAX_DEPTH) return null;
  const deeper = { ...position, depth: position.depth + 1 };
  if (typeof schema['$ref'] === 'string')
    return valueAt(resolveReference(schema['$ref'], position.root), source, deeper);
  if ('const' in schema) return schema['const'];
  if (Array.isArray(schema['enum'])) return enumValue(schema['enum'], source, position.name);
  const options = schema['anyOf'] ?? schema['oneOf'];
  if (Array.isArray(options))
    return valueAt(options.find((option) => !isNull(option)) ?? options[0], source, deeper);
  if (Array.isArray(schema['allOf'])) return valueAt(merged(schema['allOf']), source, deeper);
  switch (firstType(schema)) {
    case 'object':
      return objectValue(schema, source, deeper);
    case 'array':
      return arrayValue(schema, source, deeper);
    case 'number':
      return numberValue(schema, source, position.name);
    case 'integer':
      return Math.round(numberValue(schema, source, position.name));
    case 'boolean':
      return booleanValue(source, position.name);
    case 'null':
      return null;
    default:
      return stringForField({
        name: position.name,
        schema,
        source,
        limit: constraint(schema, 'maxLength'),
      });
  }
}

/** The properties of an object schema; empty for any other. */
export function propertiesOf(schema: unknown): Record<string, unknown> {
  return isRecord(schema) && isRecord(schema['properties']) ? schema['properties'] : {};
}

function objectValue(
  schema: Record<string, unknown>,
  source: ValueSource,
  position: Position,
): unknown {
  return Object.fromEntries(
    Object.entries(propertiesOf(schema)).map(([name, property]) => [
      name,
      valueAt(property, source, { ...position, name }),
    ]),
  );
}

function arrayValue(
  schema: Record<string, unknown>,
  source: ValueSource,
  position: Position,
): unknown[] {
  const items = schema['items'];
  const least = constraint(schema, 'minItems') ?? 0;
  const most = Math.max(
    least,
    Math.min(constraint(schema, 'maxItems') ?? MAX_ITEMS, Math.max(MAX_ITEMS, least)),
  );
  if (isRecord(items) && firstType(items) === 'string' && items['enum'] === undefined) {
    const short = /tag|keyword|topic|label|categor|entit|word/i.test(position.name);
    const found = short ? [...contentWords(source.text)] : splitSentences(source.text);
    const filler = Array.from({ length: Math.max(0, least - found.length) }, () => 'demo');
    return [...found, ...filler].slice(0, Math.max(most, least));
  }
  const sentences = splitSentences(source.text);
  const count = Math.max(
    least,
    Math.min(most, isRecord(items) && items['enum'] ? 1 : sentences.length || 1),
  );
  return Array.from({ length: count }, (_, index) =>
    valueAt(items, { ...source, text: sentences[index] ?? source.text }, position),
  );
}

function enumValue(values: readonly unknown[], source: ValueSource, name: string): unknown {
  const labels = values.filter((value) => typeof value === 'string');
  if (labels.length === 0) return values[0];
  const examples = (source.examples ?? []).map(({ text, label }) => ({
    text,
    label: fieldOf(label, name),
  }));
  return chooseLabel(source.text, labels, examples);
}

/** The field of an example's answer when that is a JSON object, else the answer itself. */
function fieldOf(answer: string, name: string): string {
  if (!answer.startsWith('{')) return answer;
  try {
    return String((JSON.parse(answer) as Record<string, unknown>)[name]);
  } catch {
    return answer;
  }
}

/** A fraction for fields that say so, else a number of the text that fits, else the nearest allowed to 1. */
function numberValue(schema: Record<string, unknown>, source: ValueSource, name: string): number {
  const above = constraint(schema, 'exclusiveMinimum');
  const below = constraint(schema, 'exclusiveMaximum');
  const step = firstType(schema) === 'integer' ? 1 : 1e-6;
  const low = constraint(schema, 'minimum') ?? (above === undefined ? undefined : above + step);
  const high = constraint(schema, 'maximum') ?? (below === undefined ? undefined : below - step);
  const fits = (value: number) => value >= (low ?? -Infinity) && value <= (high ?? Infinity);
  const fraction = /confidence|probability|score|certainty|likelihood|relevance/i.test(name);
  if (fraction && firstType(schema) === 'number' && fits(0.9)) return 0.9;
  const found = (source.text.match(/-?\d+(?:\.\d+)?/g) ?? []).map(Number).find(fits);
  if (found !== undefined) return found;
  if (fits(1)) return 1;
  return low ?? high ?? 1;
}

function booleanValue(source: ValueSource, name: string): boolean {
  if (/spam|toxic|urgent|error|fail|negative|flag|refus|harm/i.test(name)) {
    return chooseLabel(source.text, ['positive', 'negative', 'neutral']) === 'negative';
  }
  return true;
}

/** A bound of the schema, or the one the SDK moved into its description as `{minimum: 0, maximum: 1}`. */
export function constraint(schema: Record<string, unknown>, name: string): number | undefined {
  const direct = schema[name];
  if (typeof direct === 'number') return direct;
  const described = new RegExp(`[{ ]${name}: (-?\\d+(?:\\.\\d+)?)`).exec(
    String(schema['description'] ?? ''),
  );
  const value = described === null ? undefined : Number(described[1]);
  // JSON schema of an unbounded zod integer says ±(2^53 - 1), which bounds nothing.
  return value !== undefined && Math.abs(value) >= Number.MAX_SAFE_INTEGER ? undefined : value;
}

function firstType(schema: Record<string, unknown>): unknown {
  const type = schema['type'];
  if (Array.isArray(type)) return type.find((name) => name !== 'null') ?? 'null';
  return type ?? (isRecord(schema['properties']) ? 'object' : undefined);
}

function isNull(schema: unknown): boolean {
  return isRecord(schema) && schema['type'] === 'null';
}

function merged(parts: readonly unknown[]): Record<string, unknown> {
  const schemas = parts.filter(isRecord);
  const properties = Object.assign(
    {},
    ...schemas.map((part) => part['properties'] ?? {}),
  ) as object;
  return {
    ...Object.assign({}, ...schemas),
    ...(Object.keys(properties).length > 0 ? { properties } : {}),
  };
}

/** Target of a `$ref` of the schema. */
export function resolveReference(reference: string, root: Record<string, unknown>): unknown {
  return reference
    .replace(/^#\/?/, '')
    .split('/')
    .filter((step) => step !== '')
    .reduce<unknown>((value, step) => (isRecord(value) ? value[step] : undefined), root);
}
