/** The address of a module beside another one, for a thread: TypeScript in the source, JavaScript in the package. */
export function moduleBeside(importMetaUrl: string, name: string): URL {
  const ending = importMetaUrl.endsWith('.ts') ? 'ts' : 'js';
  return new URL(`./${name}.${ending}`, importMetaUrl);
}
