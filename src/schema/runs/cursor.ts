import { createHash } from 'node:crypto';
import { badUserInput } from '../limits/request-error.ts';

/** Ties a cursor to its run: enough to catch a mix-up, not a secret. */
const checksum = (runId: string): string =>
  createHash('sha256').update(runId).digest('base64url').slice(0, 4);

/** Makes the cursors of one run's events: opaque to clients, a position in the run's log to us. */
export function cursorsOf(runId: string): (position: number) => string {
  const tail = checksum(runId);
  return (position) => Buffer.from(`${position}`).toString('base64url') + tail;
}

/** The position after which to continue. Throws BAD_USER_INPUT for a cursor that is malformed or of another run. */
export function decodeCursor(cursor: string, runId: string): number {
  const position = Buffer.from(cursor.slice(0, -4), 'base64url').toString();
  const known =
    /^(0|[1-9]\d{0,9})$/.test(position) && cursor === cursorsOf(runId)(Number(position));
  if (!known) {
    throw badUserInput([{ path: ['after'], message: 'is not a cursor of this run' }]);
  }
  return Number(position);
}
