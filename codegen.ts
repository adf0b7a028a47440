import type { CodegenConfig } from '@graphql-codegen/cli';

const typed = {
  documentMode: 'string',
  importExtension: '.ts',
  useTypeImports: true,
  enumsAsTypes: true,
  scalars: { DateTime: 'string', ID: 'string', JSON: 'unknown', SafeInt: 'number', USD: 'string' },
} as const;

/** Typed operations, from the committed schema: `npm run codegen`. */
const config: CodegenConfig = {
  schema: 'schema.graphql',
  ignoreNoDocuments: true,
  generates: {
    'src/generated/gql/': {
      documents: ['test/operations/**/*.graphql', 'examples/**/*.graphql'],
      preset: 'client',
      presetConfig: { fragmentMasking: false },
      config: typed,
    },
    // Committed, unlike the rest: the command line runs in an install for production, which has no generator.
    'src/cli/operations/operations.generated.ts': {
      documents: ['src/cli/operations/*.graphql'],
      plugins: ['typescript-operations', 'typed-document-node'],
      config: { ...typed, dedupeFragments: true },
    },
  },
};

export default config;
