import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

/** The provider in a process of its own. */
export async function startProvider(): Promise<{ url: string; stop(): void }> {
  const file = fileURLToPath(new URL('streams-provider.ts', import.meta.url));
  const child = spawn(process.execPath, [file], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [line] = (await once(child.stdout, 'data')) as [Buffer];
  return { url: String(line).trim(), stop: () => child.kill() };
}
