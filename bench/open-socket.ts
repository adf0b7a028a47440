import { once } from 'node:events';
import { WebSocket } from 'ws';

/** Of the servers that a benchmark starts. */
export const adminKey = 'admin-key-of-the-bench';

/** A connection for subscriptions, acknowledged. */
export async function openSocket(url: string): Promise<WebSocket> {
  const socket = new WebSocket(`${url.replace('http', 'ws')}/graphql`, 'graphql-transport-ws');
  socket.setMaxListeners(0);
  await once(socket, 'open');
  const payload = { authorization: `Bearer ${adminKey}` };
  socket.send(JSON.stringify({ type: 'connection_init', payload }));
  await once(socket, 'message');
  return socket;
}
