import { readFile } from 'node:fs/promises';
import { generate } from '@graphql-codegen/cli';
import { expect, test } from 'vitest';
import config from '../../codegen.ts';

const file = 'src/cli/operations/operations.generated.ts';

test('the committed operations of the command line are what codegen makes of the schema', async () => {
  const only = { ...config, generates: { [file]: config.generates[file]! }, silent: true };
  const [made] = (await generate(only, false)) as { content: string }[];
  expect(await readFile(file, 'utf8')).toBe(made?.content);
});
