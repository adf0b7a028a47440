import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { DiskStep } from './read-trace.ts';

const sectorBytes = 512;

/** Decides for each change that no sync covers whether it reached the disk. */
export interface Fate {
  /** A name that was created, renamed or removed, or a file's new length. */
  keepsName(step: DiskStep): boolean;
  /** One sector of one write. */
  keepsSector(step: DiskStep): boolean;
}

type Change =
  | { kind: 'write'; position: number; data: Buffer; step: DiskStep }
  | { kind: 'size'; size: number; step: DiskStep };

class File {
  readonly isDirectory: boolean;
  /** As it is on the disk for certain. */
  content = Buffer.alloc(0);
  size = 0;
  /** What no sync has covered yet. */
  pending: Change[] = [];

  constructor(isDirectory: boolean) {
    this.isDirectory = isDirectory;
  }

  sync(): void {
    for (const change of this.pending) this.apply(change, () => true);
    this.pending = [];
  }

  apply(change: Change, keeps: () => boolean): void {
    if (change.kind === 'size') {
      Uint8Array.prototype.fill.call(this.content, 0, Math.min(change.size, this.size));
      this.size = change.size;
      return;
    }
    const { position, data } = change;
    // Sectors of the disk, not of the write: a page is torn at its own bounds.
    for (let at = position; at < position + data.length; ) {
      const end = Math.min(at - (at % sectorBytes) + sectorBytes, position + data.length);
      if (keeps()) this.put(at, data.subarray(at - position, end - position));
      at = end;
    }
  }

  put(at: number, data: Buffer): void {
    const end = at + data.length;
    if (end > this.content.length) {
      const larger = Buffer.alloc(Math.max(end, 2 * this.content.length));
      this.content.copy(larger);
      this.content = larger;
    }
    data.copy(this.content, at);
    this.size = Math.max(this.size, end);
  }

  copy(): File {
    const copy = new File(this.isDirectory);
    copy.content = Buffer.from(this.content.subarray(0, this.size));
    copy.size = this.size;
    copy.pending = this.pending;
    return copy;
  }
}

interface NameChange {
  step: DiskStep;
  /** Whose directories have to be synced for it. */
  names: string[];
  removed: string[];
  added: [name: string, file: File][];
}

const directoryOf = (name: string): string => (name.includes('/') ? path.posix.dirname(name) : '');

/**
 * A disk behind a cache, driven by the steps of a trace. What a sync has covered is on it; of everything else an
 * arbitrary part, in any order. Names are a directory's: a file's own sync does not keep its name.
 */
export class SimulatedDisk {
  readonly #root = new File(true);
  /** As programs see them. */
  #names = new Map<string, File>([['', this.#root]]);
  /** As they are on the disk for certain. */
  #synced = new Map<string, File>([['', this.#root]]);
  #pending: NameChange[] = [];
  readonly #handles = new Map<string, { file: File; name: string }>();

  take(step: DiskStep): void {
    if (step.op === 'open') {
      const file = this.#names.get(step.file) ?? this.#create(step, step.file, false);
      this.#handles.set(step.handle, { file, name: step.file });
    } else if (step.op === 'create') {
      if (!this.#names.has(step.file)) this.#create(step, step.file, false);
    } else if (step.op === 'mkdir') {
      this.#create(step, step.file, true);
    } else if (step.op === 'remove') {
      this.#change({ step, names: [step.file], removed: [step.file], added: [] });
    } else if (step.op === 'rename') {
      this.#rename(step, step.file, step.target);
    } else if (step.op === 'sync') {
      this.#sync(this.#handles.get(step.handle)!);
    } else if (step.op === 'write' || step.op === 'truncate') {
      this.#note(step);
    }
  }

  #note(step: DiskStep & { op: 'write' | 'truncate' }): void {
    const file =
      step.op === 'truncate' && step.file !== undefined
        ? this.#names.get(step.file)
        : this.#handles.get(step.handle!)?.file;
    if (!file) throw new Error(`a ${step.op} of a file that is not there`);
    file.pending.push(
      step.op === 'write'
        ? { kind: 'write', position: step.position, data: step.data, step }
        : { kind: 'size', size: step.size, step },
    );
  }

  #create(step: DiskStep, name: string, isDirectory: boolean): File {
    const file = new File(isDirectory);
    this.#change({ step, names: [name], removed: [], added: [[name, file]] });
    return file;
  }

  /** With a directory go the names below it; they are its own, and nothing of them is lost by it. */
  #rename(step: DiskStep, from: string, to: string): void {
    const within = (name: string): boolean => name === from || name.startsWith(`${from}/`);
    const moved = [...this.#names].filter(([name]) => within(name));
    const renamed = moved.map(
      ([name, file]) => [to + name.slice(from.length), file] as [string, File],
    );
    const removed = moved.map(([name]) => name);
    this.#change({ step, names: [from, to], removed, added: renamed });
  }

  #change(change: NameChange): void {
    applyNames(this.#names, change);
    this.#pending.push(change);
  }

  #sync({ file, name }: { file: File; name: string }): void {
    if (!file.isDirectory) {
      file.sync();
      return;
    }
    const concerns = ({ names }: NameChange): boolean =>
      names.some((changed) => directoryOf(changed) === name);
    const covered = this.#pending.filter(concerns);
    for (const change of covered) applyNames(this.#synced, change);
    this.#pending = this.#pending.filter((change) => !covered.includes(change));
  }

  /** Writes what is left after the cut. */
  async writeTo(folder: string, fate: Fate): Promise<void> {
    const names = new Map(this.#synced);
    for (const change of this.#pending) if (fate.keepsName(change.step)) applyNames(names, change);
    for (const [name, file] of [...names].sort(([a], [b]) => (a < b ? -1 : 1))) {
      // Its directory was lost, and it with it.
      if (name !== '' && !names.has(directoryOf(name))) {
        names.delete(name);
        continue;
      }
      const target = path.join(folder, name);
      if (file.isDirectory) await mkdir(target, { recursive: true, mode: 0o700 });
      else await writeFile(target, survivor(file, fate), { mode: 0o600 });
    }
  }
}

function applyNames(names: Map<string, File>, { removed, added }: NameChange): void {
  for (const name of removed) names.delete(name);
  for (const [name, file] of added) names.set(name, file);
}

function survivor(file: File, fate: Fate): Buffer {
  const left = file.copy();
  for (const change of file.pending) {
    if (change.kind === 'size') {
      if (fate.keepsName(change.step)) left.apply(change, () => true);
      continue;
    }
    left.apply(change, () => fate.keepsSector(change.step));
    // Its length may be there without its content.
    const end = change.position + change.data.length;
    if (end > left.size && fate.keepsName(change.step)) {
      left.apply({ kind: 'size', size: end, step: change.step }, () => true);
    }
  }
  return withSize(left);
}

/** A file that was made longer without content reads as zeros. */
function withSize({ content, size }: File): Buffer {
  if (content.length >= size) return content.subarray(0, size);
  const whole = Buffer.alloc(size);
  content.copy(whole);
  return whole;
}
