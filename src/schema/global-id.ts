import { badUserInput } from './limits/request-error.ts';

/** Types with global ids. `Run` covers every kind of run, so that a run has one id everywhere. */
export const globalIdTypes = [
  'Alert',
  'ApiKey',
  'Approval',
  'AuditEntry',
  'Budget',
  'Conversation',
  'Document',
  'Experiment',
  'Prompt',
  'PromptVersion',
  'Run',
  'Score',
  'UsageRecord',
] as const;

export type GlobalIdType = (typeof globalIdTypes)[number];

export interface GlobalId {
  typename: GlobalIdType;
  id: string;
}

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

const isGlobalIdType = (name: string): name is GlobalIdType =>
  (globalIdTypes as readonly string[]).includes(name);

export const encodeGlobalId = (typename: GlobalIdType, id: string): string =>
  Buffer.from(`${typename}:${id}`).toString('base64url');

/** Throws BAD_USER_INPUT when the text is no id of this API. */
export function decodeGlobalId(text: string, path: readonly string[] = ['id']): GlobalId {
  const decoded = Buffer.from(text, 'base64url').toString();
  const separator = decoded.indexOf(':');
  const typename = decoded.slice(0, separator);
  const id = decoded.slice(separator + 1);
  if (separator < 0 || !isGlobalIdType(typename) || !uuid.test(id)) {
    throw badUserInput([{ path: [...path], message: 'is not an id of this API' }]);
  }
  return { typename, id: id.toLowerCase() };
}

/**
 * The bare id of a thing of one type, from its global id or from the bare UUID that logs and metrics show. Throws
 * BAD_USER_INPUT for anything else, also for the id of a thing of another type.
 */
export function parseId(
  type: GlobalIdType,
  text: string,
  path: readonly string[] = ['id'],
): string {
  if (uuid.test(text)) return text.toLowerCase();
  const { typename, id } = decodeGlobalId(text, path);
  if (typename !== type) {
    const message = `is the id of a ${typename}, not of a ${type}`;
    throw badUserInput([{ path: [...path], message }]);
  }
  return id;
}
