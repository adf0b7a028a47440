import { expect, test } from 'vitest';
import { type AlertNotice, definePlugin, type Hooks } from '../../../src/tessera.ts';
import { startTestServer } from '../../support/start-test-server.ts';

const listening = (name: string, hooks: Hooks) =>
  definePlugin({ name, version: '1.0.0', description: 'Listens.', setup: () => ({ hooks }) })();

const never = new Promise<void>(() => undefined);

test('hooks that never answer: a gate refuses, an observer holds nobody up', async () => {
  const alerted = Promise.withResolvers<AlertNotice>();
  const plugins = [
    listening('hanging', {
      beforeModelCall: ({ messages }) =>
        JSON.stringify(messages).includes('wait') ? never : undefined,
      afterModelCall: () => never,
      onRunEvent: () => never,
      onAlert: () => never,
    }),
    listening('second', { onAlert: alerted.resolve }),
  ];
  const environment = { ALERT_COST_THRESHOLD: '0.000001' };
  await using server = await startTestServer({ plugins, environment });
  const complete = async (text: string) => {
    const query = `mutation ($input: CompleteInput!) { complete(input: $input) {
      __typename ... on Completion { text } ... on Error { message } } }`;
    const input = { prompt: { text } };
    return (await server.data<{ complete: object }>(query, { input })).complete;
  };
  const refused = complete('wait');
  expect(await complete('[demo:reply at once]')).toEqual({
    __typename: 'Completion',
    text: 'at once',
  });
  expect(await refused).toEqual({
    __typename: 'ModelUnavailableError',
    message: 'The plugin "hanging" refused this model call.',
  });
  expect(await alerted.promise).toMatchObject({ kind: 'HIGH_COST_REQUEST' });
});
