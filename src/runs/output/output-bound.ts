type JsonSchema = Record<string, unknown>;

/** Room for braces, quotes, commas and spaces around a value, in tokens. */
const frameTokens = 4;
const numberTokens = 16;

/**
 * Most tokens that an answer of a JSON Schema can have; null where a text or a list has no bound. A token is at least one
 * character, so a text of at most n characters has at most n tokens, and as many again for escapes.
 */
export function maxTokensOf(schema: JsonSchema): number | null {
  if (Array.isArray(schema['enum'])) {
    return frameTokens + Math.max(...schema['enum'].map((value) => JSON.stringify(value).length));
  }
  if ('const' in schema) return frameTokens + JSON.stringify(schema['const']).length;
  switch (schema['type']) {
    case 'boolean':
    case 'null':
      return frameTokens;
    case 'integer':
    case 'number':
      return numberTokens;
    case 'object':
      return sumOf(Object.entries((schema['properties'] ?? {}) as Record<string, JsonSchema>));
    default:
      // Bounds of texts and lists stand in descriptions, where no provider enforces them.
      return null;
  }
}

function sumOf(properties: [string, JsonSchema][]): number | null {
  let sum = frameTokens;
  for (const [name, schema] of properties) {
    const tokens = maxTokensOf(schema);
    if (tokens === null) return null;
    sum += name.length + frameTokens + tokens;
  }
  return sum;
}
