import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { z } from 'zod';
import { definePlugin, definePrompt } from '../../../src/tessera.ts';
import { startTestServer, type TestServer } from '../../support/start-test-server.ts';

const review = definePrompt({
  name: 'review_offer',
  description: 'Reviews an offer.',
  variables: z.object({ text: z.string() }),
  output: z.object({
    verdict: z.enum(['accept', 'decline']),
    reasoning: z.string(),
    price: z.number(),
    parties: z.array(z.object({ name: z.string(), role: z.string() })),
    next: z.discriminatedUnion('kind', [
      z.object({ kind: z.literal('call'), phone: z.string(), note: z.string() }),
      z.object({ kind: z.literal('mail'), address: z.string() }),
    ]),
  }),
  requires: { verdict: ['reasoning'] },
  template: 'Review: {{ text }}',
  maxTokens: 800,
});
const plugin = definePlugin({
  name: 'offers',
  version: '1.0.0',
  setup: () => ({ prompts: [review] }),
});

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer({ plugins: [plugin()] });
});
afterAll(() => server[Symbol.asyncDispose]());
beforeEach(() => server.demo.reset());

interface Schema {
  properties?: Record<string, Schema>;
  items?: Schema;
  anyOf?: Schema[];
}

/** What the model was last asked for. */
function lastAsked(): { schema: Schema; maxTokens: number } {
  const body = server.demo.requests.at(-1)!.body!;
  const config = body.output_config as { format: { schema: Schema } };
  return { schema: config.format.schema, maxTokens: body.max_tokens };
}
const propertiesOf = (schema?: Schema): string[] => Object.keys(schema?.properties ?? {});

interface Review {
  id: string;
  cached: boolean;
  outputFields: string[] | null;
  output: Record<string, unknown>;
}
let count = 0;
async function reviewOffer(
  selection: string,
  { options = 'cache: BYPASS', variables = {}, text = `offer ${count++}`, declare = '' } = {},
): Promise<Review> {
  const query = `mutation ($text: String!${declare}) {
    reviewOffer(variables: { text: $text }, options: { ${options} }) {
      __typename ... on Error { code message } ... on ReviewOfferCompletion { id cached outputFields ${selection} } } }`;
  const { reviewOffer: result } = await server.data<{ reviewOffer: Review }>(query, {
    text,
    ...variables,
  });
  expect(result).toMatchObject({ __typename: 'ReviewOfferCompletion' });
  return result;
}

test('the model is asked for what is selected, and for nothing else', async () => {
  const { output, outputFields } = await reviewOffer('output { price parties { name } }');
  expect(propertiesOf(lastAsked().schema)).toEqual(['price', 'parties']);
  expect(propertiesOf(lastAsked().schema.properties?.['parties']?.items)).toEqual(['name']);
  expect(Object.keys(output)).toEqual(['price', 'parties']);
  expect(outputFields).toEqual(['price', 'parties.name']);
});

test('aliases, fragments and directives are followed', async () => {
  await reviewOffer(
    `output { cost: price ...Parties ... @include(if: $long) { reasoning } verdict @skip(if: $long) }`,
    { declare: ', $long: Boolean!', variables: { long: true } },
  ).catch((error: Error) => expect(String(error)).toContain('Unknown fragment'));
  const selection = `... on ReviewOfferCompletion { output { cost: price } }
    other: output { ... @include(if: $long) { reasoning } parties @skip(if: $long) { role } }`;
  await reviewOffer(selection, { declare: ', $long: Boolean!', variables: { long: true } });
  expect(propertiesOf(lastAsked().schema)).toEqual(
    ['price', 'reasoning'].sort((a, b) => order(a) - order(b)),
  );
  await reviewOffer(selection, { declare: ', $long: Boolean!', variables: { long: false } });
  expect(propertiesOf(lastAsked().schema)).toEqual(['price', 'parties']);
});
const order = (name: string): number => Object.keys(review.output!.shape).indexOf(name);

test('a field that needs another has it written first, and does not show it', async () => {
  const { output, outputFields } = await reviewOffer('output { verdict }');
  expect(propertiesOf(lastAsked().schema)).toEqual(['reasoning', 'verdict']);
  expect(Object.keys(output)).toEqual(['verdict']);
  expect(outputFields?.toSorted()).toEqual(['reasoning', 'verdict']);
});

test('of a union, each member has its own selection', async () => {
  await reviewOffer(
    'output { next { ... on ReviewOfferOutputNextCall { phone } ... on ReviewOfferOutputNextMail { address } } }',
  );
  const members = lastAsked().schema.properties?.['next']?.anyOf ?? [];
  expect(members.map(propertiesOf)).toEqual([
    ['kind', 'phone'],
    ['kind', 'address'],
  ]);
});

test('WHOLE asks for all, in a call or in the version of a prompt', async () => {
  const whole = Object.keys(review.output!.shape);
  const { outputFields } = await reviewOffer('output { price }', {
    options: 'cache: BYPASS, outputFields: WHOLE',
  });
  expect(propertiesOf(lastAsked().schema).toSorted()).toEqual(whole.toSorted());
  expect(outputFields).toBeNull();
  await server.data(
    `mutation { createPromptVersion(input: { prompt: "review_offer", template: "Look: {{ text }}",
       outputFields: WHOLE, labels: ["production"] }) { ... on PromptVersion { outputFields } ... on Error { message } } }`,
  );
  await reviewOffer('output { price }');
  expect(propertiesOf(lastAsked().schema).toSorted()).toEqual(whole.toSorted());
  await reviewOffer('output { price }', { options: 'cache: BYPASS, outputFields: SELECTED' });
  expect(propertiesOf(lastAsked().schema)).toEqual(['price']);
  await server.data(
    `mutation { createPromptVersion(input: { prompt: "review_offer", template: "Review: {{ text }}",
       labels: ["production"] }) { ... on PromptVersion { id } ... on Error { message } } }`,
  );
});

test('an operation that reads only the text has the whole output in it', async () => {
  await reviewOffer('text');
  expect(propertiesOf(lastAsked().schema)).toHaveLength(5);
});

test('nothing but __typename asks for one field, the first', async () => {
  const { output } = await reviewOffer('output { __typename }');
  expect(propertiesOf(lastAsked().schema)).toEqual(['verdict']);
  expect(output).toEqual({ __typename: 'ReviewOfferOutput' });
});

test('two aliases of one field in one operation are two runs, each with its own selection', async () => {
  const query = `mutation { one: reviewOffer(variables: { text: "x" }, options: { cache: BYPASS }) { ... on ReviewOfferCompletion { output { price } } }
    two: reviewOffer(variables: { text: "x" }, options: { cache: BYPASS }) { ... on ReviewOfferCompletion { output { reasoning } } } }`;
  const result = await server.data<Record<'one' | 'two', { output: object }>>(query);
  expect(Object.keys(result.one.output)).toEqual(['price']);
  expect(Object.keys(result.two.output)).toEqual(['reasoning']);
  const asked = server.demo.requests.map(
    ({ body }) => (body!.output_config as { format: { schema: Schema } }).format.schema,
  );
  expect(asked.map(propertiesOf).toSorted()).toEqual([['price'], ['reasoning']]);
});

test('less is held for an answer whose parts all have a bound', async () => {
  await reviewOffer('output { price }');
  expect(lastAsked().maxTokens).toBeLessThan(200);
  await reviewOffer('output { reasoning }');
  expect(lastAsked().maxTokens).toBe(800);
});

test('a cached wider answer serves a narrower selection, and not the other way round', async () => {
  const asking = { options: 'cache: DEFAULT', text: 'the cached offer' };
  const wide = await reviewOffer('output { price reasoning parties { name role } }', asking);
  const narrow = await reviewOffer('output { price parties { name } }', asking);
  expect(wide.cached).toBe(false);
  expect(narrow).toMatchObject({ cached: true });
  expect(narrow.output['price']).toBe(wide.output['price']);
  expect(server.demo.requests).toHaveLength(1);
  const wider = await reviewOffer('output { verdict price }', asking);
  expect(wider.cached).toBe(false);
  expect(server.demo.requests).toHaveLength(2);
});

test('a later reader finds the prompt’s type, and an error for a field that was never written', async () => {
  const { id, output } = await reviewOffer('output { price }');
  const read = (selection: string) =>
    server.execute<{ run: { output: object } | null }>(
      `query ($id: ID!) { run(id: $id) { __typename ... on ReviewOfferCompletion { ${selection} } } }`,
      { id },
    );
  const { data } = await read('output { price }');
  expect(data?.run).toEqual({ __typename: 'ReviewOfferCompletion', output });
  const refused = await read('output { price reasoning }');
  expect(refused.errors?.[0]).toMatchObject({
    message: expect.stringContaining('was not asked for the output field "reasoning"'),
    extensions: { code: 'BAD_USER_INPUT' },
  });
});
