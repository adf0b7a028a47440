import type { ServerResponse } from 'node:http';
import { withTimeout } from '../../kernel/timing/with-timeout.ts';

const databaseTimeoutMs = 2_000;

export function sendJson(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, {
    'content-type': 'application/json; charset=utf-8',
  });
  response.end(JSON.stringify(body));
}

type Ping = () => Promise<unknown>;

const answers = (ping: Ping): Promise<boolean> =>
  withTimeout(databaseTimeoutMs, ping(), 'the database').then(
    () => true,
    () => false,
  );

/** 200 while this server should be sent work: it is not shutting down, and its database answers within 2 s. */
export async function sendReadiness(
  response: ServerResponse,
  { pingDatabase, shuttingDown }: { pingDatabase: Ping; shuttingDown: boolean },
): Promise<void> {
  if (shuttingDown) return sendJson(response, 503, { status: 'shutting down' });
  const ready = await answers(pingDatabase);
  sendJson(response, ready ? 200 : 503, { status: ready ? 'ready' : 'database away' });
}
