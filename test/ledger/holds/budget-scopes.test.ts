import { Decimal } from 'decimal.js';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { startDemoModel } from '../../../src/demo-model/demo-model-server.ts';
import { openTestDatabase } from '../../support/test-database.ts';
import { clearLedger } from '../support/ledger-fixture.ts';
import { COMPLETE, complete, type Outcome } from '../support/money-operations.ts';
import { createReferee } from '../support/referee.ts';
import { type MoneyServer, startMoneyServer } from '../support/start-money-server.ts';

interface BudgetData {
  id: string;
  scope: string;
  subject: string;
  limit: string;
  spent: string;
  held: string;
}

const SET = `mutation ($input: SetBudgetInput!) { setBudget(input: $input) { id scope subject limit spent held } }`;
const DELETE = `mutation ($id: ID!) { deleteBudget(id: $id) { scope subject } }`;
const LIST = `query ($scope: BudgetScope, $subject: String) { budgets(scope: $scope, subject: $subject) {
  id scope subject limit spent held } }`;
const CREATE_KEY = `mutation ($input: CreateApiKeyInput!) { createApiKey(input: $input) { apiKey { id } secret } }`;
const nothing = '0.000000000001';

let server: MoneyServer;
beforeAll(async () => {
  server = await startMoneyServer();
});
afterAll(() => server[Symbol.asyncDispose]());
beforeEach(() => clearLedger(server.database));

const numbered = (index: number): string => `[demo:words 5] call ${String(index).padStart(4, '0')}`;
const bypass = { cache: 'BYPASS' };

async function newKey(on: MoneyServer, userId: string, groups: string[] = []) {
  const input = { name: userId, userId, groups, roles: ['USER'] };
  const { createApiKey } = await on.data<{
    createApiKey: { apiKey: { id: string }; secret: string };
  }>(CREATE_KEY, { input });
  return { id: createApiKey.apiKey.id, as: createApiKey.secret };
}

async function setBudget(
  on: MoneyServer,
  scope: string,
  subject: string,
  limit: string,
): Promise<BudgetData> {
  const input = { scope, subject, period: 'DAILY', limit };
  return (await on.data<{ setBudget: BudgetData }>(SET, { input })).setBudget;
}

const listed = async (as: string, variables: object = {}): Promise<BudgetData[]> =>
  (await server.data<{ budgets: BudgetData[] }>(LIST, variables, { as })).budgets;

/** The most that one of the numbered calls may cost. */
async function worstCase(on: MoneyServer, as: string): Promise<Decimal> {
  const refused = await complete(on, numbered(0), {
    as,
    options: { ...bypass, maxCost: nothing },
  });
  return new Decimal(refused.estimated);
}

test.each([
  ['GROUP', 'sales', 'the group "sales"'],
  ['TAG', 'trial', 'the tag "trial"'],
  ['MODEL', 'claude-sonnet-5-5', 'the model "claude-sonnet-5-5"'],
  ['EVERYTHING', '*', 'everything'],
  ['GROUP', '*', 'each group'],
])('a budget of %s %s refuses a call that it has no room for', async (scope, subject, named) => {
  const { as } = await newKey(server, 'ada', ['sales']);
  const options = { ...bypass, tags: ['trial'] };
  await setBudget(server, scope, subject, nothing);
  const refused = await complete(server, numbered(1), { as, options });
  expect(refused).toMatchObject({ code: 'BUDGET_EXCEEDED', budget: { subject } });
  expect(refused.message).toContain(`The daily budget of ${named} has no room`);
  await setBudget(server, scope, subject, '1');
  expect((await complete(server, numbered(1), { as, options })).status).toBe('SUCCEEDED');
});

test('budgets of others do not bind: another group, another tag, another key', async () => {
  const { as } = await newKey(server, 'ada', ['sales']);
  const other = await newKey(server, 'bob');
  await setBudget(server, 'GROUP', 'hr', nothing);
  await setBudget(server, 'TAG', 'trial', nothing);
  await setBudget(server, 'MODEL', 'claude-haiku-5-5', nothing);
  await setBudget(server, 'API_KEY', other.id, nothing);
  expect((await complete(server, numbered(2), { as })).status).toBe('SUCCEEDED');
  const refused = await complete(server, numbered(2), { as: other.as, options: bypass });
  expect(refused).toMatchObject({ code: 'BUDGET_EXCEEDED', budget: { subject: other.id } });
});

test('a new budget counts what was spent today, and a deleted one binds no longer', async () => {
  const { as } = await newKey(server, 'ada', ['sales']);
  const first = await complete(server, numbered(3), { as, options: bypass });
  const budget = await setBudget(server, 'GROUP', 'sales', first.cost!);
  expect(budget).toMatchObject({ spent: first.cost, held: '0' });
  expect((await complete(server, numbered(4), { as })).code).toBe('BUDGET_EXCEEDED');
  const { deleteBudget } = await server.data<{ deleteBudget: BudgetData }>(DELETE, {
    id: budget.id,
  });
  expect(deleteBudget).toEqual({ scope: 'GROUP', subject: 'sales' });
  expect(await server.data(DELETE, { id: budget.id })).toEqual({ deleteBudget: null });
  const second = await complete(server, numbered(5), { as, options: bypass });
  const again = await setBudget(server, 'GROUP', 'sales', '1');
  expect(again.spent).toBe(new Decimal(first.cost!).plus(second.cost!).toFixed());
});

test('a fallback model needs room in its own budget for its own worst case', async () => {
  const input = {
    prompt: { text: numbered(6) },
    model: 'claude-sonnet-5-5',
    options: { ...bypass, fallbackModels: ['claude-haiku-5-5'] },
  };
  const { as } = await newKey(server, 'ada');
  const dear = await worstCase(server, as);
  await setBudget(server, 'MODEL', 'claude-haiku-5-5', dear.times('0.9').toFixed());
  const fits = await server.data<{ complete: Outcome }>(COMPLETE, { input }, { as });
  expect(fits.complete.status).toBe('SUCCEEDED');
  await setBudget(server, 'MODEL', 'claude-haiku-5-5', nothing);
  const refused = await server.data<{ complete: Outcome }>(COMPLETE, { input }, { as });
  expect(refused.complete).toMatchObject({
    code: 'BUDGET_EXCEEDED',
    budget: { subject: 'claude-haiku-5-5' },
  });
});

test('callers see the budgets of their user, groups and key, and of others the defaults', async () => {
  const ada = await newKey(server, 'ada', ['sales']);
  const bob = await newKey(server, 'bob', ['hr']);
  await setBudget(server, 'USER', '*', '7');
  await setBudget(server, 'GROUP', 'sales', '8');
  await setBudget(server, 'API_KEY', ada.id, '9');
  const all = await setBudget(server, 'EVERYTHING', '*', '100');
  await setBudget(server, 'MODEL', 'claude-haiku-5-5', '50');
  expect((await listed(ada.as)).map(({ limit }) => limit)).toEqual(['7', '9', '8']);
  expect((await listed(bob.as)).map(({ limit }) => limit)).toEqual(['7']);
  expect(await listed(ada.as, { scope: 'API_KEY' })).toMatchObject([{ subject: ada.id }]);
  const forbidden = await server.execute(
    LIST,
    { scope: 'GROUP', subject: 'sales' },
    { as: bob.as },
  );
  expect(forbidden.errors).toMatchObject([{ extensions: { code: 'FORBIDDEN' } }]);
  const node = `query ($id: ID!) { node(id: $id) { ... on Budget { limit } } }`;
  expect(await server.data(node, { id: all.id }, { as: ada.as })).toEqual({ node: null });
  expect(await server.data(node, { id: all.id })).toEqual({ node: { limit: '100' } });
});

test.each([
  [{ scope: 'EVERYTHING', subject: 'ada' }, /EVERYTHING is "\*"/],
  [{ scope: 'API_KEY', subject: 'no-key' }, /not an id/],
])('a subject that its scope does not know is refused: %o', async (part, message) => {
  const input = { ...part, period: 'DAILY', limit: '1' };
  const { errors } = await server.execute(SET, { input });
  expect(errors).toMatchObject([{ extensions: { code: 'BAD_USER_INPUT' } }]);
  expect(JSON.stringify(errors)).toMatch(message);
});

test('of 200 calls at once through two servers, those that three budgets have room for run', async () => {
  await using database = await openTestDatabase();
  await using demo = await startDemoModel();
  const lasting = { ...database, close: async () => undefined };
  const environment = { ANTHROPIC_BASE_URL: demo.url };
  await using one = await startMoneyServer({ database: lasting, environment });
  await using two = await startMoneyServer({ database: lasting, environment });
  const users = ['ada', 'bob', 'cleo', 'dora'];
  const keys = await Promise.all(users.map((user) => newKey(one, user, ['sales'])));
  const worst = await worstCase(one, keys[0]!.as);
  const room = (calls: number): string => worst.times(calls).toFixed();
  await setBudget(one, 'USER', '*', room(9));
  await setBudget(two, 'GROUP', 'sales', room(30));
  await setBudget(one, 'EVERYTHING', '*', room(25));
  const letGo = demo.hold();
  const calls = Array.from({ length: 200 }, (_, at) =>
    complete(at % 2 === 0 ? one : two, numbered(at), {
      as: keys[at % 4]!.as,
      options: bypass,
    }),
  );
  const outcomes = Promise.all(calls);
  let refused = 0;
  for (const call of calls)
    void call.then(({ code }) => {
      refused += code === 'BUDGET_EXCEEDED' ? 1 : 0;
    });
  await demo.waitForOpenCalls(25);
  await expect.poll(() => refused, { timeout: 20_000 }).toBe(175);
  const [held] = await database.query<{ scope: string; held: string }>(
    `SELECT scope, held FROM "SpendingWindow" WHERE scope = 'EVERYTHING' AND period = 'DAILY'`,
  );
  expect(new Decimal(held!.held).toFixed()).toBe(room(25));
  letGo();
  await outcomes;
  const compare = createReferee({ demo, database });
  expect((await compare()).billed).toHaveLength(25);
});
