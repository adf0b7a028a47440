/** A function of a source file, the functions inside it included. */
export interface SourceFunction {
  name: string;
  /** From its first line to its last. */
  lines: number;
}

interface SyntaxNode {
  type: string;
  start: number;
  end: number;
  id?: { name?: string } | null;
  key?: { name?: string };
  body?: unknown;
}

const isNode = (value: unknown): value is SyntaxNode =>
  typeof value === 'object' && value !== null && typeof Reflect.get(value, 'type') === 'string';

const functionTypes = new Set([
  'FunctionDeclaration',
  'FunctionExpression',
  'ArrowFunctionExpression',
]);

/** Every function below a syntax tree. A function without a name of its own has that of what it is assigned to. */
export function functionsOf(tree: unknown, source: string): SourceFunction[] {
  const found: SourceFunction[] = [];
  const visit = (value: unknown, outerName: string): void => {
    if (Array.isArray(value)) for (const item of value) visit(item, outerName);
    if (!isNode(value)) return;
    const name = value.id?.name ?? value.key?.name ?? outerName;
    if (functionTypes.has(value.type) && value.body) {
      found.push({ name, lines: source.slice(value.start, value.end).split('\n').length });
    }
    for (const child of Object.values(value)) visit(child, name);
  };
  visit(tree, 'anonymous');
  return found;
}
