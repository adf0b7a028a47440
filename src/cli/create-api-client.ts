import { setTimeout as wait } from 'node:timers/promises';
import type { DocumentTypeDecoration } from '@graphql-typed-document-node/core';
import { CliError } from './cli-error.ts';

export interface ApiClient {
  /**
   * Executes an operation; resolves with its data. Waits and tries again where the server asks for it (429, 503: nothing
   * was executed then). Rejects with a `CliError`.
   */
  execute<Result, Variables>(
    operation: DocumentTypeDecoration<Result, Variables> & { toString(): string },
    variables: Variables,
  ): Promise<Result>;
}

export interface ApiClientOptions {
  /** With or without `/graphql` at its end. */
  url: string;
  key: string | null;
  signal: AbortSignal;
  /** Told why the client waits. */
  onWait(reason: string): void;
}

interface Answer {
  data?: unknown;
  errors?: {
    message: string;
    extensions?: { code?: string; issues?: { path: string[]; message: string }[] };
  }[];
}

const attempts = 6;
const maxWaitSeconds = 60;

export function createApiClient(options: ApiClientOptions): ApiClient {
  const base = options.url.replace(/\/+$/, '');
  const endpoint = base.endsWith('/graphql') ? base : `${base}/graphql`;
  return {
    async execute(operation, variables) {
      const body = JSON.stringify({ query: operation.toString(), variables });
      for (let attempt = 1; ; attempt++) {
        const response = await post(endpoint, body, options);
        const isTemporary = response.status === 429 || response.status === 503;
        if (!isTemporary || attempt === attempts) return (await readAnswer(response)) as never;
        await response.body?.cancel();
        const seconds = secondsToWait(response, attempt);
        const busy = response.status === 429 ? 'The rate limit is reached' : 'The server is away';
        options.onWait(`${busy}: trying again in ${seconds} s.`);
        await wait(seconds * 1_000, undefined, { signal: options.signal });
      }
    },
  };
}

function secondsToWait(response: Response, attempt: number): number {
  const asked = Number(response.headers.get('retry-after') ?? Number.NaN);
  return Math.min(asked > 0 ? asked : 2 ** (attempt - 1), maxWaitSeconds);
}

async function post(
  endpoint: string,
  body: string,
  { key, signal }: ApiClientOptions,
): Promise<Response> {
  try {
    return await fetch(endpoint, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        ...(key === null ? {} : { authorization: `Bearer ${key}` }),
      },
      body,
      signal,
    });
  } catch (error) {
    if (signal.aborted) throw error;
    const cause = error instanceof Error ? (error.cause as { code?: string } | undefined) : null;
    throw new CliError(
      `No server answers at ${endpoint} (${cause?.code ?? String(error)}): start it, or name another with --url.`,
      { cause: error },
    );
  }
}

async function readAnswer(response: Response): Promise<unknown> {
  const { status } = response;
  const answer = (await response.json().catch(() => null)) as Answer | null;
  if (status === 401) {
    throw new CliError(
      'The server does not accept the key: set TESSERA_KEY, or TESSERA_KEY_FILE to a file that holds it.',
      {
        status,
      },
    );
  }
  if (!answer || typeof answer !== 'object') {
    throw new CliError(`What answers there is no Tessera server (HTTP ${status}): check --url.`, {
      status,
    });
  }
  if (answer.errors?.length)
    throw new CliError(answer.errors.map(tellError).join('; '), { status });
  return answer.data;
}

function tellError({ message, extensions }: NonNullable<Answer['errors']>[number]): string {
  if (extensions?.code === 'FORBIDDEN') return `${message} This needs an admin’s key.`;
  const issues = extensions?.issues?.map((issue) => `${issue.path.join('.')} ${issue.message}`);
  return issues?.length ? issues.join('; ') : message;
}
