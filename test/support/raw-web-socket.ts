import WebSocket from 'ws';

export interface RawMessage {
  type: string;
  id?: string;
  payload?: unknown;
}

/** A WebSocket without a client library: it may break every rule of the protocol. Messages queue until they are read. */
export async function openRawWebSocket(
  url: string,
  options: { headers?: Record<string, string>; protocol?: string } = {},
) {
  const socket = new WebSocket(url, options.protocol ?? 'graphql-transport-ws', {
    headers: options.headers ?? {},
  });
  const queue: RawMessage[] = [];
  const waiting: ((message: RawMessage) => void)[] = [];
  socket.on('message', (data) => {
    const message = JSON.parse(String(data)) as RawMessage;
    const waiter = waiting.shift();
    if (waiter) waiter(message);
    else queue.push(message);
  });
  const closed = new Promise<{ code: number; reason: string }>((resolve) =>
    socket.once('close', (code, reason) => resolve({ code, reason: String(reason) })),
  );
  await new Promise((resolve, reject) => {
    socket.once('open', resolve);
    socket.once('error', reject);
  });
  socket.on('error', () => undefined);
  const connection = {
    socket,
    closed,
    send: (message: unknown) =>
      socket.send(typeof message === 'string' ? message : JSON.stringify(message)),
    next: (): Promise<RawMessage> =>
      new Promise((resolve) => {
        const message = queue.shift();
        if (message) resolve(message);
        else waiting.push(resolve);
      }),
    subscribe: (id: string, query: string, variables?: Record<string, unknown>) =>
      connection.send({ id, type: 'subscribe', payload: { query, variables } }),
    init: async (payload?: Record<string, unknown>): Promise<RawMessage> => {
      connection.send({ type: 'connection_init', payload });
      return connection.next();
    },
    [Symbol.dispose]: () => socket.terminate(),
  };
  return connection;
}
