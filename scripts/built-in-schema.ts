import { type GraphQLSchema, printSchema } from 'graphql';
import { createRegistry } from '../src/kernel/registry/create-registry.ts';
import { checkPromptTypes } from '../src/schema/completions/prompt-shapes.ts';
import { createSchema } from '../src/schema/create-schema.ts';
import { silentServices } from '../src/testing/silent-services.ts';
import config from '../tessera.config.ts';

/** The public schema of a server with the built-in plugins. */
export async function builtInSchema(): Promise<GraphQLSchema> {
  const registry = await createRegistry(config.plugins, silentServices(), [checkPromptTypes]);
  try {
    return createSchema(registry);
  } finally {
    await registry.close();
  }
}

/** The public schema as `schema.graphql` keeps it. */
export const printBuiltInSchema = async (): Promise<string> =>
  `${printSchema(await builtInSchema())}\n`;
