import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { PluginParts } from '../../src/kernel/plugin.ts';
import { calculator } from '../../src/plugins/calculator/calculator.ts';
import { silentLog, silentServices } from '../../src/testing/silent-services.ts';

let parts: PluginParts;
beforeAll(async () => {
  parts = await calculator().setup(silentServices());
});
afterAll(() => parts.close?.());

async function calculate(
  expression: string,
  signal = new AbortController().signal,
): Promise<unknown> {
  const [tool] = parts.tools ?? [];
  if (!tool) throw new Error('there is no tool');
  const { result } = (await tool.run(tool.input.parse({ expression }), {
    runId: 'r',
    callId: 'c',
    userId: 'u',
    groups: [],
    roles: ['USER'],
    idempotencyKey: 'k',
    attempt: 1,
    log: silentLog,
    requestId: 'q',
    apiKeyId: null,
    signal,
    cite: () => undefined,
  })) as { result: string };
  return result;
}

describe('calculate', () => {
  test.for([
    ['0.1 + 0.2', '0.3'],
    ['1/3', '0.33333333333333333333'],
    ['3 * (1/3)', '1'],
    ['2^100', '1267650600228229401496703205376'],
    ['25!', '15511210043330985984000000'],
    ['-2^2', '-4'],
    ['2 × 3 ÷ 4 − 1', '0.5'],
    ['2**10', '1024'],
    ['20% * 50', '10'],
    ['17 % 5', '2'],
    ['1e-30 * 2', '2e-30'],
    ['round(2.567, 2)', '2.57'],
    ['log(8, 2)', '3'],
    ['sqrt(2)', '1.4142135623730950488'],
    ['sin(pi / 6)', '0.5'],
    ['max(1, 2.5, 2) + mean(1, 2, 3)', '4.5'],
    ['combinations(49, 6)', '13983816'],
    ['0.1 + 0.2 == 0.3', 'true'],
    ['1 < 2', 'true'],
    ['2^256 % 97', '61'],
    ['mod(2^300, 1000)', '376'],
    ['2^300 - (2^300 - 1)', '1'],
    ['2^300 == 2^300 + 1', 'false'],
    ['floor(2.99999999999999999999)', '2'],
    ['gcd(2^200, 6^100)', '1267650600228229401496703205376'],
    ['combinations(300,150) % 1000', '424'],
    ['mod(-7,  5)', '3'],
    ['max(1,200) + 2^0.5', '201.41421356237309505'],
    ['(1/3) * 3 == 1', 'true'],
    ['200! / 198!', '39800'],
  ] as const)('%s = %s', async ([expression, result]) => {
    expect(await calculate(expression)).toBe(result);
  });

  test.for([
    ['import("fs")', 'no function "import"'],
    ['createUnit("x")', 'no function "createUnit"'],
    ['evaluate("1")', 'no function "evaluate"'],
    ['parse("1")', 'no function "parse"'],
    ['simplify("x")', 'no function "simplify"'],
    ['derivative("x", "x")', 'no function "derivative"'],
    ['cos.constructor("return process")', 'only one expression'],
    ['a = 1', 'only one expression'],
    ['f(x) = x', 'only one expression'],
    ['[1, 2]', 'only one expression'],
    ['1; 2', 'only one expression'],
    ['ones(10000, 10000)', 'no function "ones"'],
    ['price * 2', 'no name "price"'],
    ['5 cm', 'no name "cm"'],
    ['"1" + 1', 'text in quotes'],
    ['1,234 + 1', 'without thousands separators'],
    ['max(1, (1,234))', 'without thousands separators'],
    ['9^9^9 % 7', 'more than 400 digits'],
    ['2^2000 - (2^2000 - 1)', 'more than 400 digits'],
    ['mod(2^300, 1000) + sin(1)', 'more than 64 digits'],
    ['1 / 0', 'infinite or not a number'],
    ['sqrt(-1)', 'not a real number'],
    ['2 +', 'Unexpected end of expression'],
  ] as const)('refuses %s', async ([expression, message]) => {
    await expect(calculate(expression)).rejects.toThrow(message);
  });

  test('ends what would take for ever, and goes on', { timeout: 20_000 }, async () => {
    const endless = ['9^9^9^9', '1000000000!'].map((expression) => calculate(expression));
    for (const outcome of await Promise.allSettled(endless)) {
      expect(outcome).toMatchObject({
        status: 'rejected',
        reason: { message: expect.stringMatching(/too large|infinite/) },
      });
    }
    expect(await calculate('1 + 1')).toBe('2');
  });

  test('stops with its run', async () => {
    const controller = new AbortController();
    const result = calculate('1000000000!', controller.signal);
    controller.abort(new Error('cancelled'));
    await expect(result).rejects.toThrow('cancelled');
    expect(await calculate('1 + 1')).toBe('2');
  });
});
