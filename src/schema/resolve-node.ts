import type { GraphQLContext } from './context.ts';
import { runTypeName } from './runs/run-view.ts';

interface DecodedId {
  typename: string;
  id: string;
}

/** `node(id:)`: a run by its one id as the type its kind has, everything else by its own type. */
export async function resolveNode(
  _root: object,
  { id }: { id: DecodedId },
  context: GraphQLContext,
  ...[, loadNode]: [info: unknown, loadNode: (id: DecodedId) => unknown]
): Promise<unknown> {
  if (id.typename !== 'Run') return loadNode(id);
  const run = await context.loaders.run.load(id.id);
  return run && { ...run, __typename: runTypeName(run) };
}
