/** What passes between the main thread and the thread of the embedded database. */

export interface EmbeddedOptions {
  /** A folder, or `memory://`. */
  dataDir: string;
  /** A tarball that a new database starts from. */
  loadDataDir?: Blob;
}

/** Bytes are PostgreSQL's wire protocol, whole messages. */
export type EmbeddedRequest = Uint8Array<ArrayBuffer> | 'dump' | 'close';

export type EmbeddedReply = Uint8Array<ArrayBuffer> | 'ready' | { dump: Blob };
