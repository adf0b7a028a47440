import type { z } from 'zod';
import { readFirstKey } from './config/first-key-file.ts';
import { misspelt, unknownVariables } from './config/misspelt.ts';
import { readSecretFiles } from './config/secret-files.ts';
import { clientVariables, secretNames, type Variables, variables } from './config/variables.ts';
import { StartupError } from './kernel/startup-error.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** How this server is configured: the environment, checked, by what it is for. */
export interface Config {
  host: string;
  /** 0 takes any free port. */
  port: number;
  database: {
    url: string | null;
    poolSize: number;
    dataDir: string;
    /** What an acknowledged change outlasts in the embedded database. */
    durability: 'power' | 'process';
  };
  anthropic: { apiKey: string | null; baseUrl: string | null };
  openai: { apiKey: string | null; baseUrl: string | null };
  voyage: { apiKey: string | null };
  /** Null: the provider's own default. */
  model: string | null;
  embedder: string | null;
  /** A JSON file of prices that go before the built-in ones. */
  pricesFile: string | null;
  modelIdleTimeoutMs: number;
  modelConcurrency: number | null;
  /** Whether cached answers serve their user only, or everybody. */
  cacheScope: 'user' | 'deployment';
  adminKey: string | null;
  jwt: { jwksUrl: string; issuer: string | null; audience: string | null } | null;
  /** Sign-in of people by an OpenID provider; null: only by link and key. */
  openId: {
    issuer: string;
    clientId: string;
    clientSecret: string | null;
    redirectUrl: string;
    scopes: string;
  } | null;
  /** Where the plugins are listed; null: `tessera.config.ts` or `.mts`. */
  pluginsFile: string | null;
  /** Requests a minute for each key; null: no limit. */
  rateLimit: number | null;
  bodyLimitBytes: number;
  /** Web origins whose pages may call, besides the server's own. */
  corsOrigins: readonly string[];
  /** Addresses and networks of proxies whose X-Forwarded-For counts. */
  trustedProxies: readonly string[];
  disconnectGraceMs: number;
  /** How long a reader may take nothing before its stream ends. */
  slowConsumerMs: number;
  /** How long this server may be silent before others take over what it does. It says that it lives four times as often. */
  serverLeaseMs: number;
  /** How long runs in flight may go on when the server is told to stop. */
  shutdownDrainMs: number;
  retention: { usageDays: number | null; contentDays: number | null };
  budgetTimeZone: string;
  alerts: {
    /** US dollars, exact: a call that costs more alerts. */
    costThreshold: string | null;
    webhook: { url: string; secret: string } | null;
  };
  logLevel: Variables['LOG_LEVEL'];
  otlpEndpoint: string | null;
  /** Variables that are set and not read, and look like ones that would be: a line each. */
  misspelt: readonly string[];
}

const knownNames = [
  ...Object.keys(variables.shape),
  ...Object.keys(clientVariables.shape),
  ...secretNames.map((name) => `${name}_FILE`),
];

/** Variables that mean nothing without another, which comes first. */
const needs = [
  ['TESSERA_JWKS_URL', 'TESSERA_JWT_ISSUER'],
  ['TESSERA_JWKS_URL', 'TESSERA_JWT_AUDIENCE'],
  ['OIDC_CLIENT_ID', 'OIDC_ISSUER'],
  ['PUBLIC_URL', 'OIDC_ISSUER'],
  ['OIDC_ISSUER', 'OIDC_CLIENT_ID'],
  ['OIDC_ISSUER', 'OIDC_CLIENT_SECRET'],
  ['ALERT_WEBHOOK_URL', 'ALERT_WEBHOOK_SECRET'],
  // An empty key would sign what anybody could forge.
  ['ALERT_WEBHOOK_SECRET', 'ALERT_WEBHOOK_URL'],
] as const;

function problemsOf(environment: Record<string, string>, result: z.ZodSafeParseResult<Variables>) {
  const problems = unknownVariables(environment, knownNames);
  for (const issue of result.error?.issues ?? []) {
    problems.push(`${issue.path.join('.')} ${issue.message}`);
  }
  for (const [needed, by] of needs) {
    if (environment[by] && !environment[needed]) problems.push(`${by} needs ${needed} as well`);
  }
  if (result.data?.TESSERA_JWKS_URL && !result.data.TESSERA_JWT_AUDIENCE) {
    problems.push(
      'TESSERA_JWKS_URL needs TESSERA_JWT_AUDIENCE as well: without it a token that was made for another application would sign in here. Set * to allow that',
    );
  }
  return problems;
}

/**
 * Checks the environment, with the secrets that lie in files. Throws a `StartupError` with one line for each malformed
 * value and each unknown `TESSERA_…` variable; a line names the variable and never its value, which may be a secret.
 */
export function readConfig(environment: Environment): Config {
  const { values, problems } = readSecretFiles(environment, secretNames);
  const result = variables.safeParse(values);
  problems.push(...problemsOf(values, result));
  if (problems.length > 0 || !result.data) throw new StartupError(problems);
  return toConfig(result.data, misspelt(values, knownNames));
}

function toConfig(set: Variables, misspelt: readonly string[]): Config {
  return {
    host: set.HOST,
    port: set.PORT,
    database: {
      url: set.DATABASE_URL ?? null,
      poolSize: set.DATABASE_POOL_SIZE,
      dataDir: set.DATA_DIR,
      durability: set.EMBEDDED_DURABILITY,
    },
    anthropic: { apiKey: set.ANTHROPIC_API_KEY ?? null, baseUrl: set.ANTHROPIC_BASE_URL ?? null },
    openai: { apiKey: set.OPENAI_API_KEY ?? null, baseUrl: set.OPENAI_BASE_URL ?? null },
    voyage: { apiKey: set.VOYAGE_API_KEY ?? null },
    model: set.TESSERA_MODEL ?? null,
    embedder: set.TESSERA_EMBEDDER ?? null,
    pricesFile: set.TESSERA_PRICES ?? null,
    modelIdleTimeoutMs: set.MODEL_IDLE_TIMEOUT_MS,
    modelConcurrency: set.MODEL_CONCURRENCY ?? null,
    cacheScope: set.CACHE_SCOPE,
    adminKey: set.TESSERA_ADMIN_KEY ?? null,
    jwt: set.TESSERA_JWKS_URL
      ? {
          jwksUrl: set.TESSERA_JWKS_URL,
          issuer: set.TESSERA_JWT_ISSUER ?? null,
          audience: set.TESSERA_JWT_AUDIENCE === '*' ? null : (set.TESSERA_JWT_AUDIENCE ?? null),
        }
      : null,
    openId: openIdOf(set),
    pluginsFile: set.TESSERA_CONFIG ?? null,
    rateLimit: set.RATE_LIMIT,
    bodyLimitBytes: set.BODY_LIMIT_BYTES,
    corsOrigins: set.CORS_ORIGINS,
    trustedProxies: set.TRUSTED_PROXIES,
    disconnectGraceMs: set.DISCONNECT_GRACE_MS,
    slowConsumerMs: set.SLOW_CONSUMER_MS,
    serverLeaseMs: set.SERVER_LEASE_MS,
    shutdownDrainMs: set.SHUTDOWN_DRAIN_MS,
    retention: {
      usageDays: set.USAGE_RETENTION_DAYS ?? null,
      contentDays: set.CONTENT_RETENTION_DAYS ?? null,
    },
    budgetTimeZone: set.BUDGET_TIME_ZONE,
    alerts: {
      costThreshold: set.ALERT_COST_THRESHOLD ?? null,
      webhook:
        set.ALERT_WEBHOOK_URL && set.ALERT_WEBHOOK_SECRET
          ? { url: set.ALERT_WEBHOOK_URL, secret: set.ALERT_WEBHOOK_SECRET }
          : null,
    },
    logLevel: set.LOG_LEVEL,
    otlpEndpoint: set.OTEL_EXPORTER_OTLP_ENDPOINT ?? null,
    misspelt,
  };
}

function openIdOf(set: Variables): Config['openId'] {
  const { OIDC_ISSUER: issuer, OIDC_CLIENT_ID: clientId, PUBLIC_URL: publicUrl } = set;
  if (!issuer || !clientId || !publicUrl) return null;
  const redirectUrl = new URL('/login/oidc/callback', publicUrl).href;
  const clientSecret = set.OIDC_CLIENT_SECRET ?? null;
  return { issuer, clientId, clientSecret, redirectUrl, scopes: set.OIDC_SCOPES };
}

export interface CliConfig {
  /** Where the server is, without `/graphql`. */
  url: string;
  /** Null: none was given, and there is none of a server on this machine. */
  key: string | null;
}

/**
 * Which server the command line talks to, and as whom: by the key that is given, else by the first admin key of a server
 * on this machine. Throws a `StartupError` as `readConfig` does.
 */
export function readCliConfig(environment: Environment): CliConfig {
  const { values, problems } = readSecretFiles(environment, secretNames);
  const result = clientVariables.safeParse(values);
  const issues = result.error?.issues ?? [];
  problems.push(...issues.map(({ path, message }) => `${path.join('.')} ${message}`));
  if (problems.length > 0 || !result.data) throw new StartupError(problems);
  const { TESSERA_URL: url, TESSERA_KEY: key, TESSERA_ADMIN_KEY: adminKey, DATA_DIR } = result.data;
  return { url, key: key ?? adminKey ?? readFirstKey(DATA_DIR) };
}

export const readProcessCliConfig = (): CliConfig => readCliConfig(process.env);

/** The configuration of this process: the one place where the environment is read. */
export const readProcessConfig = (): Config => readConfig(process.env);
