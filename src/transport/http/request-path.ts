import type { IncomingMessage } from 'node:http';

/** The path that a request names, as it was sent: what a client may write there need not parse as a URL. */
export const pathOf = ({ url }: IncomingMessage): string => (url ?? '/').split('?', 1)[0] ?? '/';
