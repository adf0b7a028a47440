import { expect, test } from 'vitest';
import { z } from 'zod';
import { createRegistry } from '../../../src/kernel/registry/create-registry.ts';
import { mcp } from '../../../src/plugins/mcp/mcp.ts';
import { toolContext } from '../../plugins/mcp/fixtures/tool-context.ts';
import { testLog } from '../../support/test-log.ts';
import { startEndpoint } from './fixtures/endpoint.ts';

test("one server's tools and agents are another's tools", async () => {
  await using endpoint = await startEndpoint();
  const other = { url: endpoint.url, headers: { authorization: 'Bearer bob-key' } };
  const services = { knowledge: { search: async () => [] }, log: testLog };
  const registry = await createRegistry([mcp({ servers: { other } })], services, []);
  const lookUp = registry.tools.get('look_up')!;
  expect(lookUp.idempotent).toBe(true);
  expect(z.toJSONSchema(lookUp.input)).toMatchObject({ properties: { city: { minLength: 2 } } });
  const run = (name: string, input: object) =>
    registry.tools.get(name)!.run(input as Record<string, unknown>, toolContext());
  const output = await run('look_up', { city: 'Ur' });
  expect(lookUp.output.parse(output)).toEqual({ city: 'Ur', founded: '1970-01-01T00:00:00.000Z' });
  expect(endpoint.journal).toEqual(['look_up Ur for bob']);
  expect(await run('agent_guide', { message: 'Ur?' })).toBe('done');
  await expect(run('send_mail', {})).rejects.toThrow("needs a person's approval");
  await registry.close();
});
