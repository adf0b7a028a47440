interface Node {
  readonly kind: string;
  readonly [member: string]: unknown;
}

/**
 * The text of an executable document. A parsed one keeps its source; one that a build step made has the tree alone, and
 * is printed here so that no client has to ship `graphql` for it.
 */
export function printDocument(document: unknown): string {
  if (!isNode(document)) return String(document);
  const source = (document as { loc?: { source?: { body?: string } } }).loc?.source?.body;
  return source ?? many(document['definitions']).map(print).join('\n');
}

const isNode = (value: unknown): value is Node =>
  typeof value === 'object' && value !== null && 'kind' in value && 'definitions' in value;

const many = (value: unknown): readonly Node[] => (value ?? []) as readonly Node[];
const one = (value: unknown): string => (value ? print(value as Node) : '');
const all = (value: unknown, separator = ' '): string => many(value).map(print).join(separator);
const list = (open: string, value: unknown, close: string): string =>
  many(value).length > 0 ? `${open}${all(value, ', ')}${close}` : '';

const prints: Record<string, (node: Node) => string> = {
  Name: (node) => String(node['value']),
  OperationDefinition: (node) =>
    `${node['operation']} ${one(node['name'])}${list('(', node['variableDefinitions'], ')')} ${all(node['directives'])} ${one(node['selectionSet'])}`,
  FragmentDefinition: (node) =>
    `fragment ${one(node['name'])} on ${one(node['typeCondition'])} ${all(node['directives'])} ${one(node['selectionSet'])}`,
  VariableDefinition: (node) =>
    `${one(node['variable'])}: ${one(node['type'])}${node['defaultValue'] ? ` = ${one(node['defaultValue'])}` : ''} ${all(node['directives'])}`,
  SelectionSet: (node) => `{ ${all(node['selections'])} }`,
  Field: (node) =>
    `${node['alias'] ? `${one(node['alias'])}: ` : ''}${one(node['name'])}${list('(', node['arguments'], ')')} ${all(node['directives'])} ${one(node['selectionSet'])}`,
  FragmentSpread: (node) => `...${one(node['name'])} ${all(node['directives'])}`,
  InlineFragment: (node) =>
    `... ${node['typeCondition'] ? `on ${one(node['typeCondition'])}` : ''} ${all(node['directives'])} ${one(node['selectionSet'])}`,
  Directive: (node) => `@${one(node['name'])}${list('(', node['arguments'], ')')}`,
  Argument: (node) => `${one(node['name'])}: ${one(node['value'])}`,
  ObjectField: (node) => `${one(node['name'])}: ${one(node['value'])}`,
  Variable: (node) => `$${one(node['name'])}`,
  NamedType: (node) => one(node['name']),
  ListType: (node) => `[${one(node['type'])}]`,
  NonNullType: (node) => `${one(node['type'])}!`,
  StringValue: (node) => JSON.stringify(node['value']),
  NullValue: () => 'null',
  ListValue: (node) => `[${all(node['values'], ', ')}]`,
  ObjectValue: (node) => `{${all(node['fields'], ', ')}}`,
};

/** Numbers, booleans and enum values are their `value`. */
const print = (node: Node): string => prints[node.kind]?.(node) ?? String(node['value']);
