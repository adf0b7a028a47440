import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A tool's call as the world outside of the server sees it: once it is here, it has had its effect. */
export interface Effect {
  tool: string;
  input: Record<string, unknown>;
  runId: string;
  callId: string;
  key: string;
  attempt: number;
}

/** What the tool is answered: its output, an error that it throws, or nothing until `release`. */
export type Reply = { output: unknown } | { error: string } | 'hold';

/** The world that the fixture's tools act upon. It lives in the test's process and survives every server. */
export interface World extends AsyncDisposable {
  url: string;
  effects: Effect[];
  /** Awaited when a call has had its effect, before it is answered. */
  onEffect: () => Promise<void>;
  /** Replies to the next calls of a tool, in order; afterwards it is answered `{ output: { ok: true } }`. */
  script(tool: string, ...replies: Reply[]): void;
  /** The effects of a tool by one run, or those that match, once there are so many of them. */
  waitFor(
    tool: string,
    by: string | ((effect: Effect) => boolean),
    count?: number,
  ): Promise<Effect[]>;
  /** Answers the calls that are held now. */
  release(): void;
}

export async function startWorld(): Promise<World> {
  const effects: Effect[] = [];
  const scripts = new Map<string, Reply[]>();
  const held = new Set<ServerResponse>();
  const watchers = new Set<() => void>();
  const ok = { output: { ok: true } };
  const server = createServer(async (request, response) => {
    const effect = (await readJson(request)) as Effect;
    effects.push(effect);
    await world.onEffect();
    const reply = scripts.get(effect.tool)?.shift() ?? ok;
    if (reply === 'hold') held.add(response);
    else response.end(JSON.stringify(reply));
    for (const look of watchers) look();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const world: World = {
    onEffect: async () => undefined,
    url: `http://127.0.0.1:${port}`,
    effects,
    script: (tool, ...replies) =>
      void scripts.set(tool, [...(scripts.get(tool) ?? []), ...replies]),
    waitFor: (tool, by, count = 1) =>
      new Promise((resolve, reject) => {
        const matches = typeof by === 'string' ? ({ runId }: Effect) => runId === by : by;
        const found = () => effects.filter((effect) => effect.tool === tool && matches(effect));
        const look = () => {
          if (found().length < count) return;
          clearTimeout(timer);
          watchers.delete(look);
          resolve(found());
        };
        const late = () => reject(new Error(`${found().length} of ${count} effects of ${tool}`));
        const timer = setTimeout(late, 15_000);
        watchers.add(look);
        look();
      }),
    release() {
      for (const response of held) response.end(JSON.stringify(ok));
      held.clear();
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return world;
}

async function readJson(request: IncomingMessage): Promise<unknown> {
  let text = '';
  for await (const part of request) text += part;
  return JSON.parse(text);
}
