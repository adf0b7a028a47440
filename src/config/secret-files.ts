import { readFileSync } from 'node:fs';
import { messageOf } from '../kernel/message-of.ts';

interface Given {
  /** Variables that are set, with the secrets that lie in files. */
  values: Record<string, string>;
  problems: string[];
}

/**
 * The variables that are set; NAME_FILE stands for the content of that file, less the end of its last line. A file that
 * cannot be read, and a secret that is given both ways, is a problem.
 */
export function readSecretFiles(
  environment: Readonly<Record<string, string | undefined>>,
  secretNames: readonly string[],
): Given {
  const values: Record<string, string> = {};
  for (const [name, value] of Object.entries(environment)) if (value) values[name] = value;
  const problems: string[] = [];
  for (const name of secretNames) {
    const file = values[`${name}_FILE`];
    if (file === undefined) continue;
    if (values[name] !== undefined)
      problems.push(`${name} and ${name}_FILE are both set: unset one`);
    else {
      try {
        values[name] = readFileSync(file, 'utf8').replace(/\r?\n$/, '');
      } catch (error) {
        problems.push(`${name}_FILE names a file that cannot be read: ${messageOf(error)}`);
      }
    }
  }
  return { values, problems };
}
