import { hasRole, isAdmin } from '../../kernel/access/principal.ts';
import { isAmong, type Reader } from '../../kernel/access/readers.ts';
import { allows } from '../../kernel/access/scopes.ts';
import { DomainError } from '../../kernel/errors.ts';

interface Rights {
  name: string;
  readers: readonly string[];
  writers: readonly string[];
}

/** Writers ingest and delete documents, whatever their role; where none are named, editors do. */
const mayWrite = ({ name, writers }: Rights, by: Reader): boolean =>
  allows(by.scopes, 'collections', name) &&
  (writers.length > 0 ? isAmong(by, writers) : hasRole(by, 'ADMIN', 'EDITOR'));

/** Throws FORBIDDEN: the same for a collection that is not there, so that nobody learns which ones are. */
export function checkMayWrite(collection: Rights, by: Reader): void {
  if (!mayWrite(collection, by)) throw mayNotWrite(collection.name);
}

/** Throws FORBIDDEN. */
export function checkMayMake(name: string, by: Reader): void {
  checkMayWrite({ name, readers: [], writers: [] }, by);
}

/** Settings, readers and writers are changed by editors who may both read and write. Throws FORBIDDEN. */
export function checkMayManage(collection: Rights, by: Reader): void {
  const reads = hasRole(by, 'ADMIN', 'EDITOR') && isAmong(by, collection.readers);
  if (!reads || !(isAdmin(by) || mayWrite(collection, by)))
    throw new DomainError(
      'FORBIDDEN',
      `You may not change the collection "${collection.name}": that takes an admin, or an editor among its readers and writers.`,
    );
}

const mayNotWrite = (name: string): DomainError =>
  new DomainError(
    'FORBIDDEN',
    `You may not write to the collection "${name}": that takes one of its writers or, where none are named, the role EDITOR, and a key whose scopes include it.`,
  );
