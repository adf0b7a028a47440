import { createRequire } from 'node:module';
import type { MathJsInstance, MathNode } from 'mathjs';

type MathNodeOfType = MathNode & { type: string; name?: string; fn?: unknown };

// The bundle, not the package's main module: 0.1 s and 14 MB against 1 s and 110 MB for a thousand small files.
const bundle: { create(config: object): MathJsInstance } = createRequire(import.meta.url)(
  'mathjs/lib/browser/math.js',
);

/** With digits that were lost these give not a slightly wrong answer but any. */
const digitwise = [
  'mod',
  'gcd',
  'lcm',
  'subtract',
  'equal',
  'unequal',
  'smaller',
  'smallerEq',
  'larger',
  'largerEq',
];

/** Decimals of so many digits; nearly equal is what differs in the last four of them at most. */
function createMath(digits: number): MathJsInstance {
  const tolerance = Number(`1e-${Math.min(digits - 4, 300)}`);
  const config = { number: 'BigNumber', precision: digits, relTol: tolerance, absTol: tolerance };
  const math = bundle.create(config);
  const strict = digitwise.map((name) => {
    const calculate = math[name as 'mod'] as (...values: unknown[]) => unknown;
    const checked = (...values: unknown[]): unknown => {
      for (const value of values) {
        if (math.isBigNumber(value) && value.isFinite() && value.e >= digits) {
          throw new Error(`a number of more than ${digits} digits comes up: it cannot be exact`);
        }
      }
      return calculate(...values);
    };
    return [name, checked];
  });
  math.import(Object.fromEntries(strict), { override: true });
  return math;
}

const exactFunctions = new Set([
  'abs',
  'pow',
  'sign',
  'round',
  'floor',
  'ceil',
  'fix',
  'mod',
  'gcd',
  'lcm',
  'factorial',
  'combinations',
  'permutations',
  'min',
  'max',
  'sum',
  'mean',
  'median',
]);
const functions = new Set([
  ...exactFunctions,
  'sqrt',
  'cbrt',
  'nthRoot',
  'exp',
  'log',
  'log10',
  'log2',
  'hypot',
  'variance',
  'std',
  'sin',
  'cos',
  'tan',
  'asin',
  'acos',
  'atan',
  'atan2',
  'sinh',
  'cosh',
  'tanh',
]);

/** For whole numbers of up to 400 digits. */
const exactMath = createMath(400);
/** For the functions that are never exact, which take 0.5 s for 400 digits. */
const roundedMath = createMath(64);
const constants = new Set(['pi', 'e', 'tau', 'phi', 'true', 'false']);
const plainNodes = new Set(['ConstantNode', 'OperatorNode', 'ParenthesisNode', 'RelationalNode']);

/** Numbers, operators, and functions of the list: nothing that assigns, indexes, builds or reaches the library. */
function assertAllowed(node: MathNodeOfType, parent: MathNodeOfType | null): void {
  if (node.type === 'SymbolNode') {
    const isCall = parent?.type === 'FunctionNode' && parent.fn === node;
    if ((isCall ? functions : constants).has(node.name ?? '')) return;
    const kind = isCall ? `function "${node.name}"` : `name "${node.name}"`;
    throw new Error(
      `the calculator knows no ${kind}; it has numbers, + - * / ^ % !, ${[...constants].join(', ')}, and ${[...functions].join(', ')}`,
    );
  }
  if (node.type === 'ConstantNode' && typeof (node as { value?: unknown }).value === 'string') {
    throw new Error('text in quotes cannot be calculated with');
  }
  if (node.type !== 'FunctionNode' && !plainNodes.has(node.type)) {
    throw new Error('only one expression of numbers, operators and functions can be calculated');
  }
}

/** What people and models write for operators. */
const ordinary = (expression: string): string =>
  expression
    .replace(/\*\*/g, '^')
    .replace(/[×·]/g, '*')
    .replace(/[÷∶]/g, '/')
    .replace(/[−–]/g, '-')
    .replace(/²/g, '^2')
    .replace(/³/g, '^3')
    .replace(/π/g, 'pi');

function resultText(value: unknown, math: MathJsInstance): string {
  if (typeof value === 'boolean') return String(value);
  if (!math.isBigNumber(value) && typeof value !== 'number') {
    throw new Error('the result is not a real number');
  }
  const result = math.bignumber(value as number);
  if (!result.isFinite()) throw new Error('the result is infinite or not a number');
  const digits = math.config({}).precision ?? 64;
  // Whole numbers to their last digit; else 20 digits of those that were calculated with, so that 3 * (1/3) is 1.
  if (result.isInteger() && result.precision(true) <= digits - 4) return result.toFixed();
  return result.toSignificantDigits(20).toString();
}

/** Has it a comma as in 1,234 that stands between no arguments? */
function hasThousandsSeparator(expression: string): boolean {
  const inCalls: boolean[] = [];
  for (const [found] of expression.matchAll(/[A-Za-z]\w*\s*\(|[()]|\d,\d{3}(?!\d)/g)) {
    if (found.endsWith('(')) inCalls.push(found.length > 1);
    else if (found === ')') inCalls.pop();
    else if (!inCalls.at(-1)) return true;
  }
  return false;
}

/**
 * The value of an expression, in decimals: exact up to 400 digits for arithmetic with whole numbers, to 20 digits
 * otherwise. Throws an error that says what to write instead. May take for ever.
 */
export function evaluateExpression(expression: string): string {
  if (hasThousandsSeparator(expression)) {
    throw new Error('write numbers without thousands separators: 1234.5, not 1,234.5');
  }
  const source = ordinary(expression);
  let math = exactMath;
  exactMath.parse(source).traverse((child, _path, parent) => {
    const node = child as MathNodeOfType;
    assertAllowed(node, parent as MathNodeOfType | null);
    const { name = '' } = node;
    if (functions.has(name) && !exactFunctions.has(name)) math = roundedMath;
  });
  return resultText(math.evaluate(source), math);
}
