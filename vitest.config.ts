import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

/** Where .ci/run wants the counts. */
const reportFile = process.env['VITEST_REPORT'];

/** Tests that open no database, or the embedded one wherever they run. */
const withoutServer = [
  'test/{demo-model,kernel,scripts,telemetry}/**',
  'test/server/{start-and-stop,load-config}.test.ts',
  'test/data/embedded/**',
  'test/plugins/documentation.test.ts',
];

/** Minutes of processor time: npm run test:power-cut. */
const powerCut = process.env['POWER_CUT_IMAGES'] ? [] : ['test/data/embedded/power-cut/**'];

export default defineConfig({
  // graphql 16 has no "exports": Node loads its CommonJS `main`, Vite would load its `module`, and the
  // two copies reject each other's types ("another realm"). Make Vite pick what Node picks.
  resolve: {
    alias: [{ find: /^graphql$/, replacement: fileURLToPath(import.meta.resolve('graphql')) }],
  },
  test: {
    include: ['test/**/*.test.ts'],
    // Tests of a PostgreSQL server alone: npm run test:postgres.
    exclude: [
      ...powerCut,
      ...(process.env['TEST_DATABASE_URL'] ? withoutServer : ['test/**/*.postgres.test.ts']),
    ],
    globalSetup: ['test/support/global-setup.ts'],
    // A bound for what hangs, not a measure: real processes on a busy machine take their time.
    testTimeout: 60_000,
    hookTimeout: 60_000,
    expect: { poll: { timeout: 30_000 } },
    maxWorkers: 2,
    // Files of one worker share its modules and, one after the other, its databases: half the time of the whole run.
    isolate: false,
    ...(reportFile ? { reporters: ['default', ['json', { outputFile: reportFile }]] } : {}),
  },
});
