import type { Services } from '../../../src/schema/services.ts';
import { registryWith } from './registry-with.ts';

export type FakeRooms = {
  [Room in Exclude<keyof Services, 'registry' | 'serverStatus'>]?: Partial<Services[Room]>;
} & Partial<Pick<Services, 'registry' | 'serverStatus'>>;

/** A room of which only the given methods exist: any other call fails the test that makes it. */
function fakeRoom<Room extends object>(name: string, methods: Partial<Room> = {}): Room {
  return new Proxy(methods, {
    get: (target, key) => {
      const method: unknown = Reflect.get(target, key);
      if (method === undefined) throw new Error(`${name}.${String(key)} was not expected`);
      return method;
    },
  }) as Room;
}

const silentAudit = { record: async () => undefined } as unknown as Services['auth']['audit'];

/** Services with just the methods that a test gives. */
export function fakeRooms(parts: FakeRooms = {}): Services {
  return {
    auth: fakeRoom('auth', { audit: silentAudit, ...parts.auth }),
    prompts: fakeRoom('prompts', parts.prompts),
    ledger: fakeRoom('ledger', parts.ledger),
    models: fakeRoom('models', parts.models),
    knowledge: fakeRoom('knowledge', parts.knowledge),
    runs: fakeRoom('runs', parts.runs),
    registry: parts.registry ?? registryWith(),
    serverStatus:
      parts.serverStatus ??
      (() => {
        throw new Error('serverStatus was not expected');
      }),
  };
}
