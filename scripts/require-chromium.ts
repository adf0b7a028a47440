// Before the tests: brings Debian's Chromium, which the test of GraphiQL looks through, where there is none.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chromiumPath } from '../test/support/chromium-path.ts';

const asRoot = process.getuid?.() === 0 ? [] : ['sudo', '-n'];

/** Runs apt-get silently; resolves with what it complained of, or null when it succeeded. */
function aptGet(...options: string[]): Promise<string | null> {
  const [program, ...rest] = [...asRoot, 'apt-get', '-qq', ...options] as [string, ...string[]];
  const child = spawn(program, rest, {
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let complaint = '';
  child.stderr.on('data', (text: Buffer) => {
    complaint += text;
  });
  return new Promise((resolve) => {
    child.on('error', (error) => resolve(error.message));
    child.on('close', (code) => resolve(code === 0 ? null : complaint.trim()));
  });
}

if (!existsSync(chromiumPath)) {
  console.log('Installing Chromium from Debian, for the test of GraphiQL; about half a minute.');
  const complaint =
    (await aptGet('update')) ??
    (await aptGet('install', '--yes', '--no-install-recommends', 'chromium'));
  if (complaint !== null)
    console.log(
      `It can't be installed here, so that test will fail. Install Chromium, or set CHROMIUM_PATH to one.\n${complaint}`,
    );
}
