import { findCycles } from './import-cycles.ts';
import {
  compositionRoot,
  environmentReaders,
  packageArrows,
  packageHomes,
  roomArrows,
} from './room-arrows.ts';
import type { SourceFile } from './room-graph.ts';
import { roomsOfStrangers, wingArrows } from './wing-arrows.ts';

/** Everything that breaks the rules of the rooms, a line each. Nothing to check is a problem too. */
export function roomProblems(files: readonly SourceFile[]): string[] {
  if (files.length === 0) return ['src holds no files: nothing was checked.'];
  return [
    ...files.flatMap(arrowProblems),
    ...files.flatMap(wingProblems),
    ...files.flatMap(packageProblems),
    ...files
      .filter(
        ({ file, readsEnvironment }) => readsEnvironment && !environmentReaders.includes(file),
      )
      .map(({ file }) => `${file} reads the environment: only ${environmentReaders.join()} may.`),
    ...findCycles(files.filter(({ room }) => room !== 'runs')).map(
      (cycle) => `An import cycle: ${cycle.join(' → ')}`,
    ),
  ];
}

function arrowProblems({ file, room, imports }: SourceFile): string[] {
  const isRoom = file.includes('/');
  const allowed = roomArrows[room];
  if (isRoom && !allowed)
    return [`${room} is a new room: give it its arrows in scripts/room-arrows.ts.`];
  return imports.flatMap((target) => {
    const targetRoom = target.split('/')[0]!;
    if (target === compositionRoot) return [`${file} imports ${target}: nobody may.`];
    if (!isRoom || targetRoom === room || allowed?.includes(targetRoom)) return [];
    return [
      `${file} imports ${target}: ${room} may import ${allowed?.join(', ') || 'no other room'}.`,
    ];
  });
}

function wingProblems({ file, room, wing, imports }: SourceFile): string[] {
  const wings = wingArrows[room];
  if (wing === null || !(wings || roomsOfStrangers.includes(room))) return [];
  const allowed = wings ? wings[wing] : [];
  if (!allowed) {
    return [`${room}/${wing} is a new wing: give it its arrows in scripts/wing-arrows.ts.`];
  }
  return imports.flatMap((target) => {
    const [targetRoom, targetWing, ...rest] = target.split('/');
    if (targetRoom !== room || rest.length === 0 || targetWing === wing) return [];
    if (allowed.includes(targetWing!)) return [];
    const others = allowed.join(', ') || 'no other wing';
    return [`${file} imports ${target}: ${room}/${wing} may import ${others}.`];
  });
}

function packageProblems({ file, room, packages }: SourceFile): string[] {
  return packages.flatMap((name) => {
    const allowed = packageArrows[room];
    if (allowed && !allowed.some((prefix) => isWithin(name, prefix))) {
      return [`${file} imports ${name}: ${room} may import only ${allowed.join(', ')}.`];
    }
    const home = Object.entries(packageHomes).find(([prefix]) => isWithin(name, prefix))?.[1];
    return home && home !== room ? [`${file} imports ${name}, which belongs to ${home}.`] : [];
  });
}

/** `prefix` is a package's name, or ends with the character after which anything may follow. */
const isWithin = (name: string, prefix: string): boolean =>
  name === prefix || name.startsWith(/[/:]$/.test(prefix) ? prefix : `${prefix}/`);
