import { printSchema } from 'graphql';
import { describe, expect, test } from 'vitest';
import type { SchemaBuilderForPlugins } from '../../src/kernel/plugin.ts';
import { StartupError } from '../../src/kernel/startup-error.ts';
import { createSchema } from '../../src/schema/create-schema.ts';
import { codesOf, execute } from './support/execute.ts';
import { runId, runRecord } from './support/records.ts';
import { registryWith } from './support/registry-with.ts';

const schemaWith = (graphql: (builder: SchemaBuilderForPlugins) => void) =>
  createSchema(
    registryWith({
      plugins: [{ name: 'extra', version: '1.0.0', description: null, parts: { graphql } }],
    }),
  );

describe('a plugin', () => {
  test('adds types, root fields and fields of the built-in types, typed', async () => {
    const loads: number[] = [];
    const schema = schemaWith((builder) => {
      const Echo = builder.objectRef<{ text: string }>('Echo').implement({
        fields: (t) => ({ text: t.exposeString('text') }),
      });
      builder.queryField('echo', (t) =>
        t.field({
          type: [Echo],
          authScopes: { user: true },
          args: { times: t.arg.int({ required: true, validate: { max: 3 } }) },
          resolve: (_root, { times }, { caller }) =>
            Array.from({ length: times }, () => ({ text: caller?.userId ?? '' })),
        }),
      );
      builder.objectField(Echo, 'length', (t) =>
        t.loadable({
          type: 'Int',
          load: async (texts: string[]) => {
            loads.push(texts.length);
            return texts.map((text) => text.length);
          },
          resolve: ({ text }) => text,
        }),
      );
      builder.objectField('Completion', 'shout', (t) =>
        t.string({ resolve: ({ text }) => text.toUpperCase() }),
      );
    });
    const source = `{ echo(times: 2) { text length } run(id: "${runId}") { ... on Completion { shout } } }`;
    const services = { runs: { get: async () => runRecord() } };
    expect((await execute(schema, { source, services })).data).toEqual({
      echo: [
        { text: 'ada', length: 3 },
        { text: 'ada', length: 3 },
      ],
      run: { shout: 'HELLO.' },
    });
    expect(loads).toEqual([1]);
    const tooMany = await execute(schema, { source: '{ echo(times: 4) { text } }' });
    expect(codesOf(tooMany)).toEqual(['BAD_USER_INPUT']);
    const anonymous = await execute(schema, { source, caller: null });
    expect(codesOf(anonymous)).toContain('UNAUTHENTICATED');
  });

  test('that throws stops the start, named', () => {
    const create = () =>
      schemaWith(() => {
        throw new Error('no such thing');
      });
    expect(create).toThrow(StartupError);
    expect(create).toThrow('plugin "extra": graphql(builder) failed: no such thing');
  });

  test('that adds a type without fields stops the start', () => {
    const create = () =>
      schemaWith((builder) => {
        const Nothing = builder.objectRef<object>('Nothing').implement({});
        builder.queryField('nothing', (t) =>
          t.field({ type: Nothing, authScopes: { user: true }, resolve: () => ({}) }),
        );
      });
    expect(create).toThrow(StartupError);
    expect(create).toThrow(
      'the GraphQL schema is unsound: Type Nothing must define one or more fields.',
    );
  });

  test('that takes a name which is taken stops the start', () => {
    const create = () =>
      schemaWith((builder) => {
        builder.queryField('viewer', (t) =>
          t.string({ authScopes: { user: true }, resolve: () => '' }),
        );
      });
    expect(create).toThrow(StartupError);
    expect(create).toThrow(/plugin "extra": .*field viewer on Query: the server has that field/);
  });

  test.each<[string, (builder: SchemaBuilderForPlugins) => void, RegExp]>([
    [
      'one of several fields',
      (builder) =>
        builder.mutationFields((t) => ({
          complete: t.string({ authScopes: { user: true }, resolve: () => '' }),
        })),
      /plugin "extra": .*field complete on Mutation: the server has that field/,
    ],
    [
      'a field of a built-in type',
      (builder) => builder.objectField('Viewer', 'userId', (t) => t.string({ resolve: () => '' })),
      /plugin "extra": .*field userId on Viewer: the server has that field/,
    ],
    [
      'a root field without an access rule',
      (builder) => builder.queryField('loose', (t) => t.string({ resolve: () => '' })),
      /plugin "extra": Query\.loose does not say who may use it/,
    ],
  ])('is named for %s', (_name, graphql, message) => {
    expect(() => schemaWith(graphql)).toThrow(message);
  });

  test('is named beside the one that has the field already', () => {
    const graphql = (builder: SchemaBuilderForPlugins) =>
      builder.queryField('same', (t) =>
        t.string({ authScopes: { user: true }, resolve: () => '' }),
      );
    const plugin = (name: string) => ({
      name,
      version: '1',
      description: null,
      parts: { graphql },
    });
    const create = () => createSchema(registryWith({ plugins: [plugin('one'), plugin('two')] }));
    expect(create).toThrow(/^plugin "two": .*same on Query: plugin "one" has that field/);
  });
});

test('schemas in one process have nothing to do with each other', () => {
  const plain = printSchema(createSchema(registryWith()));
  const extended = schemaWith((builder) => {
    builder.queryField('extra', (t) =>
      t.string({ authScopes: { user: true }, resolve: () => 'x' }),
    );
  });
  expect(extended.getQueryType()?.getFields()).toHaveProperty('extra');
  expect(printSchema(createSchema(registryWith()))).toBe(plain);
});
