import type { IncomingMessage } from 'node:http';
import type { Visitor } from '../../auth/auth.ts';

const visitors = new WeakMap<IncomingMessage, Visitor>();

/** Remembers, once for each request, from where it comes and under which id it is logged. */
export function noteVisitor(request: IncomingMessage, visitor: Visitor): void {
  visitors.set(request, visitor);
}

export const visitorOf = (request: IncomingMessage): Visitor =>
  visitors.get(request) ?? { address: null, requestId: '' };
