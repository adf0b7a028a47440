import type { Builder } from '../builder.ts';

/** What every type of run implements. `Run` comes last: of two interfaces' fields, Pothos takes the later's `id`. */
export const runInterfaces = (builder: Builder) => [builder.nodeInterfaceRef(), 'Run' as const];
