/** What passes between the main thread and the thread of the embedded database. */

/** What an acknowledged change outlasts: a power cut, or only the end of the process. Default `power`. */
export type Durability = 'power' | 'process';

export interface EmbeddedOptions {
  /** A folder, or `memory://`. */
  dataDir: string;
  /** Default `power`. */
  durability?: Durability | undefined;
  /** A tarball that a new database starts from. */
  loadDataDir?: Blob | undefined;
}

/** Bytes are PostgreSQL's wire protocol, whole messages. */
export type EmbeddedRequest = Uint8Array<ArrayBuffer> | 'dump' | 'close';

/** `failure` is the last message: the thread ends with it. */
export type EmbeddedReply =
  | Uint8Array<ArrayBuffer>
  | 'ready'
  | { dump: Blob }
  | { failure: string };
