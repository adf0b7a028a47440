// npm run codegen: the typed operations of tests and examples. An install for production has no generator, and needs none.
import config from '../codegen.ts';

const isMissing = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && error.code === 'ERR_MODULE_NOT_FOUND';

try {
  const { generate } = await import('@graphql-codegen/cli');
  await generate({ ...config, silent: true });
} catch (error) {
  if (!isMissing(error)) throw error;
}
