type JsonSchema = Record<string, unknown>;

const alternatives = ['anyOf', 'oneOf'] as const;
const combinations = [...alternatives, 'allOf'] as const;
/** Providers refuse these at the root of a tool's input. */
const refused = [...combinations, 'not', 'enum', 'const', '$ref'] as const;

const maxRuleCharacters = 2_000;

/**
 * A tool's input schema as providers take it: at its root an object, and nothing that combines schemas, which Claude and
 * OpenAI refuse there. The properties of all combined schemas are the object's, and what the combination demands stands in
 * the description: the tool's own check holds the input to the whole schema.
 */
export function rootObject(schema: JsonSchema): JsonSchema {
  if (!refused.some((keyword) => keyword in schema)) return schema;
  const { properties, required } = fieldsOf(schema, schema, 0);
  const kept = Object.fromEntries(
    Object.entries({ ...resolved(schema, schema), ...schema }).filter(
      ([keyword]) => !(refused as readonly string[]).includes(keyword),
    ),
  );
  return {
    ...kept,
    type: 'object',
    properties,
    required: required.length > 0 ? required : undefined,
    description: describe(kept['description'], schema),
  };
}

interface Fields {
  properties: Record<string, unknown>;
  required: string[];
}

const maxDepth = 16;

function fieldsOf(given: unknown, root: JsonSchema, depth: number): Fields {
  const schema = resolved(given, root);
  const fields: Fields = {
    properties: { ...recordOf(schema['properties']) },
    required: listOf(schema['required']).filter((name) => typeof name === 'string'),
  };
  if (depth > maxDepth) return fields;
  for (const keyword of combinations) {
    const members = listOf(schema[keyword]).map((member) => fieldsOf(member, root, depth + 1));
    for (const { properties } of members) addProperties(fields.properties, properties);
    fields.required.push(
      ...(keyword === 'allOf' ? members.flatMap(({ required }) => required) : inAll(members)),
    );
  }
  return { ...fields, required: [...new Set(fields.required)] };
}

/** A property of several members may be of any of their schemas. */
function addProperties(into: Fields['properties'], more: Fields['properties']): void {
  for (const [name, schema] of Object.entries(more)) {
    const known = into[name];
    const isNew = JSON.stringify(known) !== JSON.stringify(schema);
    if (known === undefined) into[name] = schema;
    else if (isNew) into[name] = { anyOf: [known, schema] };
  }
}

const inAll = ([first, ...others]: readonly Fields[]): string[] =>
  (first?.required ?? []).filter((name) => others.every(({ required }) => required.includes(name)));

/** The schema that a reference within the root points at. */
function resolved(schema: unknown, root: JsonSchema): JsonSchema {
  const { $ref, ...own } = recordOf(schema);
  if (typeof $ref !== 'string' || !$ref.startsWith('#/')) return own;
  let target: unknown = root;
  for (const key of $ref.slice(2).split('/')) {
    target = recordOf(target)[key.replaceAll('~1', '/').replaceAll('~0', '~')];
  }
  return { ...recordOf(target), ...own };
}

function describe(description: unknown, schema: JsonSchema): string | undefined {
  const said = typeof description === 'string' ? description : '';
  const rules = Object.fromEntries(
    refused.flatMap((word) => (word in schema && word !== '$ref' ? [[word, schema[word]]] : [])),
  );
  const json = JSON.stringify(rules);
  const isShort = json !== '{}' && json.length <= maxRuleCharacters;
  return `${said} ${isShort ? `It must match: ${json}` : ''}`.trim() || undefined;
}

const recordOf = (value: unknown): JsonSchema =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as JsonSchema) : {};

const listOf = (value: unknown): unknown[] => (Array.isArray(value) ? value : []);
