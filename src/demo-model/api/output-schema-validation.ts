import { invalidRequest } from '../api-error.ts';
import { isRecord } from '../is-record.ts';

const TYPES = ['object', 'array', 'string', 'number', 'integer', 'boolean', 'null'];
const UNSUPPORTED: Readonly<Record<string, readonly string[]>> = {
  number: ['minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum', 'multipleOf'],
  integer: ['minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum', 'multipleOf'],
  string: ['minLength', 'maxLength'],
  array: ['maxItems', 'uniqueItems', 'prefixItems'],
};

/**
 * Checks that a schema is within what structured outputs accept: closed objects, no bounds on numbers, lengths or
 * items (but `minItems` 0 or 1), known types, references that resolve. Throws a 400 naming the place.
 */
export function checkOutputSchema(schema: Record<string, unknown>, path: string): void {
  checkNode(schema, { path, root: schema });
}

function checkNode(node: unknown, place: { path: string; root: Record<string, unknown> }): void {
  if (!isRecord(node)) throw invalidRequest(`${place.path}: Input should be a schema object`);
  const at = (child: unknown, step: string) =>
    checkNode(child, { ...place, path: `${place.path}.${step}` });
  if (isRecord(node['$defs']))
    for (const [name, child] of Object.entries(node['$defs'])) at(child, `$defs.${name}`);
  if (node['$ref'] !== undefined) {
    checkReference(node['$ref'], place);
    return;
  }
  for (const keyword of ['anyOf', 'oneOf', 'allOf']) {
    const options = node[keyword];
    if (Array.isArray(options))
      options.forEach((option, index) => void at(option, `${keyword}.${index}`));
  }
  const types = Array.isArray(node['type']) ? (node['type'] as unknown[]) : [node['type']];
  for (const type of types) checkType(node, type, place.path);
  if (isRecord(node['properties']))
    for (const [name, child] of Object.entries(node['properties'])) at(child, `properties.${name}`);
  if (node['items'] !== undefined) at(node['items'], 'items');
}

function checkType(node: Record<string, unknown>, type: unknown, path: string): void {
  if (type === undefined) {
    const typed = ['anyOf', 'oneOf', 'allOf', 'enum', 'const'].some((keyword) => keyword in node);
    if (!typed) throw invalidRequest(`${path}: Schema type is required`);
    return;
  }
  if (typeof type !== 'string' || !TYPES.includes(type)) {
    throw invalidRequest(`${path}.type: '${String(type)}' is not a valid type`);
  }
  if (type === 'object' && node['additionalProperties'] !== false) {
    throw invalidRequest(
      `${path}: For 'object' type, 'additionalProperties' must be explicitly set to false`,
    );
  }
  const refused = (UNSUPPORTED[type] ?? []).filter((keyword) => keyword in node);
  if (refused.length > 0)
    throw invalidRequest(
      `${path}: For '${type}' type, properties ${refused.join(', ')} are not supported`,
    );
  const least = node['minItems'];
  if (type === 'array' && least !== undefined && least !== 0 && least !== 1) {
    throw invalidRequest(
      `${path}: For 'array' type, 'minItems' values other than 0 or 1 are not supported`,
    );
  }
}

function checkReference(
  reference: unknown,
  place: { path: string; root: Record<string, unknown> },
): void {
  const name = /^#\/\$defs\/(.+)$/.exec(String(reference))?.[1];
  const definitions = place.root['$defs'];
  if (reference === '#' || (name !== undefined && isRecord(definitions) && name in definitions))
    return;
  throw invalidRequest(`${place.path}.$ref: '${String(reference)}' does not resolve`);
}
