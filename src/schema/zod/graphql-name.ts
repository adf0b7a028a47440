const graphqlName = /^[A-Za-z_]\w*$/;

/** May a field be called so? Names that begin with two underscores are GraphQL's own. */
export const isGraphqlName = (name: string): boolean =>
  graphqlName.test(name) && !name.startsWith('__');

const notEnumNames = new Set(['true', 'false', 'null']);

/**
 * The GraphQL name of an enum value: the value itself where it is one; else every character that GraphQL does not
 * take becomes `_`, a leading digit gets a `_` before it, several leading `_` become one, and true, false and null
 * get a trailing `_`.
 */
export function enumValueName(value: string): string {
  if (notEnumNames.has(value)) return `${value}_`;
  const word = value.replace(/\W/g, '_').replace(/^(?=\d|$)/, '_');
  return word.replace(/^_{2,}/, '_');
}

/** "very_good" and "very good" → "VeryGood": a part of a type's name. */
export function typeNamePart(text: string): string {
  const words = text.split(/[^A-Za-z0-9]+/).filter(Boolean);
  return words.map((word) => word.charAt(0).toUpperCase() + word.slice(1)).join('');
}
