import type { Builder } from '../builder.ts';

/** Interfaces of every type of run. `Run` comes last: of two interfaces' fields, Pothos takes the later's `id`. */
export const runInterfaces = (builder: Builder) => [builder.nodeInterfaceRef(), 'Run' as const];
