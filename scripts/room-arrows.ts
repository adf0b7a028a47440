/** The rooms of src and what each may import, besides itself (ARCHITECTURE.md). */
export const roomArrows: Record<string, readonly string[]> = {
  kernel: [],
  data: ['kernel', 'generated'],
  config: ['kernel'],
  telemetry: ['kernel'],
  'demo-model': [],
  model: ['kernel'],
  prompts: ['kernel', 'data', 'generated'],
  knowledge: ['kernel', 'data', 'generated'],
  ledger: ['kernel', 'data', 'generated'],
  auth: ['kernel', 'data', 'generated'],
  runs: ['kernel', 'data', 'generated', 'model', 'prompts', 'knowledge', 'ledger'],
  schema: [
    'kernel',
    'data',
    'generated',
    'model',
    'prompts',
    'knowledge',
    'ledger',
    'runs',
    'auth',
  ],
  transport: ['kernel', 'telemetry', 'auth', 'schema'],
  // Composition: opens every service and hands each what it may use.
  server: [
    'kernel',
    'data',
    'generated',
    'telemetry',
    'demo-model',
    'model',
    'prompts',
    'knowledge',
    'ledger',
    'auth',
    'runs',
    'schema',
    'transport',
    'config',
    'config.ts',
    'version.ts',
  ],
  // What plugins are tested with, by anyone.
  testing: ['kernel', 'model', 'prompts', 'runs', 'schema', 'server', 'config.ts'],
  // A client of the public API like any other.
  cli: ['kernel', 'config.ts'],
  // Written against the public API, as anybody's.
  plugins: ['kernel', 'tessera.ts'],
};

/** Rooms that may import only these packages; every other room is free. */
export const packageArrows: Record<string, readonly string[]> = {
  kernel: ['zod', 'node:timers/'],
  'demo-model': ['node:', '@anthropic-ai/sdk'],
};

/** Packages that belong to one room. */
export const packageHomes: Record<string, string> = {
  pg: 'data',
  '@prisma/': 'data',
  '@electric-sql/': 'data',
  '@pothos/': 'schema',
};

/** The only files that may read the environment. */
export const environmentReaders = ['config.ts'];

/** What composes the rooms may import any of them; nothing imports it. */
export const compositionRoot = 'server.ts';
