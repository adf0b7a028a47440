import fs from 'node:fs';
import path from 'node:path';
import { NodeFS } from '@electric-sql/pglite/nodefs';
import { syncDirectory } from './sync-folder.ts';

/** Emscripten's file system over the host's: the parts of it that this file extends. */
interface HostFiles {
  realPath(node: HostNode): string;
  /** Turns an error of `node:fs` into one that PostgreSQL understands. */
  tryFSOperation<Result>(operation: () => Result): Result;
  node_ops: { mknod(parent: HostNode, ...rest: [string, number, number]): HostNode };
  stream_ops: { fsync?(stream: { node: HostNode; nfd: number }): number };
}

interface HostNode {
  mode: number;
}

/**
 * PGlite's `NodeFS` with a sync that reaches the disk, so that what was committed survives a power cut.
 *
 * Upstream's file system has no `fsync`: Emscripten's system call then reports success and does nothing (0.5.14). Three
 * things make it real, and none is enough alone:
 * - this class, which hands `fsync` to the host;
 * - `syncParams` in place of PGlite's `-F`, which turns syncs off;
 * - `wal_sync_method=fsync`: the default is `fdatasync`, which Emscripten ignores whatever the file system has.
 */
export class DurableNodeFS extends NodeFS {
  override async init(...given: Parameters<NodeFS['init']>): ReturnType<NodeFS['init']> {
    const { emscriptenOpts } = await super.init(...given);
    const { preRun = [] } = emscriptenOpts;
    type Module = Parameters<(typeof preRun)[number]>[0];
    const makeDurable = ({ FS }: Module): void => {
      const { NODEFS } = FS.filesystems as unknown as { NODEFS: HostFiles };
      addSync(NODEFS, (mode) => FS.isDir(mode));
    };
    return { emscriptenOpts: { ...emscriptenOpts, preRun: [...preRun, makeDurable] } };
  }
}

function addSync(files: HostFiles, isDirectory: (mode: number) => boolean): void {
  /** Directories with new names that no sync has covered. PostgreSQL syncs a new table's file, never its directory. */
  const renewed = new Set<string>();
  const { mknod } = files.node_ops;
  files.node_ops.mknod = (parent, ...rest) => {
    const node = mknod(parent, ...rest);
    renewed.add(path.dirname(files.realPath(node)));
    return node;
  };
  files.stream_ops.fsync = ({ node, nfd }) => {
    files.tryFSOperation(() => {
      for (const directory of renewed) {
        if (fs.existsSync(directory)) syncDirectory(directory);
        renewed.delete(directory);
      }
      // A file's times are worth no write to the journal.
      if (isDirectory(node.mode)) syncDirectory(files.realPath(node));
      else fs.fdatasyncSync(nfd);
    });
    return 0;
  };
}

/** PGlite's parameters of a start, with syncs. */
export const syncParams = (defaults: readonly string[]): string[] => [
  ...defaults.filter((parameter) => parameter !== '-F'),
  '-c',
  'wal_sync_method=fsync',
];
