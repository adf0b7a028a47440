import { isIP } from 'node:net';
import { z } from 'zod';
import { isLoopback } from './kernel/is-loopback.ts';
import { StartupError } from './kernel/startup-error.ts';

type Environment = Readonly<Record<string, string | undefined>>;

const wholeNumber = (from: number, to: number): z.ZodType<number, string> =>
  z
    .string()
    .regex(/^\d+$/, `must be a whole number from ${from} to ${to}`)
    .transform(Number)
    .refine((value) => value >= from && value <= to, `must be from ${from} to ${to}`);

const webUrl = z.url({ protocol: /^https?$/, error: 'must be an http(s) URL' });

const usd = z.string().regex(/^\d+(\.\d{1,12})?$/, 'must be US dollars as a decimal, like 0.50');

const origin = (text: string): boolean => text === '*' || URL.parse(text)?.origin === text;

const isNetwork = (text: string): boolean => {
  const [address = '', bits, ...rest] = text.split('/');
  const version = isIP(address);
  if (version === 0 || rest.length > 0) return false;
  return (
    bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= (version === 4 ? 32 : 128))
  );
};

const timeZone = (text: string): boolean => {
  try {
    return Boolean(new Intl.DateTimeFormat('en', { timeZone: text }));
  } catch {
    return false;
  }
};

/** Keys that can be replaced on their way prove nothing. */
const keySetUrl = z.string().refine((text) => {
  const url = URL.parse(text);
  return url?.protocol === 'https:' || (url?.protocol === 'http:' && isLoopback(url.hostname));
}, 'must be an https URL: http is for this machine only, elsewhere the keys could be replaced on their way');

/** Every variable that the server reads. Left out and empty are the same. */
const variables = z.object({
  PORT: wholeNumber(0, 65_535).default(4000),
  HOST: z.string().default('127.0.0.1'),
  DATABASE_URL: z
    .url({ protocol: /^postgres(ql)?$/, error: 'must be a postgres:// URL' })
    .optional(),
  DATABASE_POOL_SIZE: wholeNumber(2, 1_000).default(10),
  DATA_DIR: z.string().default('.tessera'),
  EMBEDDED_DURABILITY: z
    .enum(['power', 'process'], { error: 'must be power or process' })
    .default('power'),

  ANTHROPIC_API_KEY: z.string().optional(),
  ANTHROPIC_BASE_URL: webUrl.optional(),
  OPENAI_API_KEY: z.string().optional(),
  OPENAI_BASE_URL: webUrl.optional(),
  VOYAGE_API_KEY: z.string().optional(),
  TESSERA_MODEL: z.string().optional(),
  TESSERA_EMBEDDER: z.string().optional(),
  TESSERA_PRICES: z.string().optional(),
  MODEL_IDLE_TIMEOUT_MS: wholeNumber(100, 3_600_000).default(30_000),
  MODEL_CONCURRENCY: wholeNumber(1, 10_000).optional(),
  CACHE_SCOPE: z
    .enum(['user', 'deployment'], { error: 'must be user or deployment' })
    .default('user'),

  TESSERA_ADMIN_KEY: z
    .string()
    .regex(
      /^[\x21-\x7e]{20,}$/,
      'must be at least 20 characters, better 32 random ones, of printable ASCII without spaces',
    )
    .optional(),
  TESSERA_JWKS_URL: keySetUrl.optional(),
  TESSERA_JWT_ISSUER: z.string().optional(),
  TESSERA_JWT_AUDIENCE: z.string().optional(),
  TESSERA_CONFIG: z.string().optional(),

  RATE_LIMIT: z
    .union([z.literal('off').transform(() => null), wholeNumber(1, 1_000_000)], {
      error: 'must be requests a minute for each key, or off',
    })
    .default(6_000),
  BODY_LIMIT_BYTES: wholeNumber(1_024, 100_000_000).default(4_194_304),
  CORS_ORIGINS: z
    .string()
    .transform((list) => list.split(',').map((item) => item.trim()))
    .refine((list) => list.every(origin), 'must be origins like https://app.example, or *')
    .default([]),
  TRUSTED_PROXIES: z
    .string()
    .transform((list) => list.split(',').map((item) => item.trim()))
    .refine(
      (list) => list.every(isNetwork),
      'must be addresses or networks like 10.0.0.0/8, separated by commas',
    )
    .default([]),
  DISCONNECT_GRACE_MS: wholeNumber(0, 3_600_000).default(5_000),
  SLOW_CONSUMER_MS: wholeNumber(100, 3_600_000).default(10_000),
  SERVER_LEASE_MS: wholeNumber(1_000, 3_600_000).default(20_000),
  SHUTDOWN_DRAIN_MS: wholeNumber(0, 3_600_000).default(20_000),

  USAGE_RETENTION_DAYS: wholeNumber(1, 36_500).optional(),
  CONTENT_RETENTION_DAYS: wholeNumber(1, 36_500).optional(),
  BUDGET_TIME_ZONE: z
    .string()
    .refine(timeZone, 'must be a time zone like Europe/Rome')
    .default('UTC'),
  ALERT_COST_THRESHOLD: usd.optional(),
  ALERT_WEBHOOK_URL: webUrl.optional(),
  ALERT_WEBHOOK_SECRET: z.string().optional(),

  LOG_LEVEL: z
    .enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'], {
      error: 'must be trace, debug, info, warn, error, fatal or silent',
    })
    .default('info'),
  OTEL_EXPORTER_OTLP_ENDPOINT: webUrl.optional(),
});

type Variables = z.output<typeof variables>;

/** Variables of the command line. The server accepts their names, since both may share an environment. */
const clientVariables = z.object({
  TESSERA_URL: webUrl.default('http://127.0.0.1:4000'),
  TESSERA_KEY: z.string().optional(),
  TESSERA_ADMIN_KEY: z.string().optional(),
});

const isKnown = (name: string): boolean => name in variables.shape || name in clientVariables.shape;

/** How this server is configured: the environment, checked, by what it is for. */
export interface Config {
  host: string;
  /** 0 takes any free port. */
  port: number;
  database: {
    url: string | null;
    poolSize: number;
    dataDir: string;
    /** Failures that an acknowledged change survives in the embedded database. */
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
  /** Scope of the response cache: one user, or the whole deployment. */
  cacheScope: 'user' | 'deployment';
  adminKey: string | null;
  jwt: { jwksUrl: string; issuer: string | null; audience: string | null } | null;
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
  /** Time that runs in flight may take after the signal to stop. */
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
}

const isSet = (entry: [string, string | undefined]): entry is [string, string] => Boolean(entry[1]);

function problemsOf(environment: Record<string, string>, result: z.ZodSafeParseResult<Variables>) {
  const problems = Object.keys(environment)
    .filter((name) => name.startsWith('TESSERA_') && !isKnown(name))
    .map((name) => `${name} is not a variable of this server: mend its name or unset it`);
  for (const issue of result.error?.issues ?? []) {
    problems.push(`${issue.path.join('.')} ${issue.message}`);
  }
  for (const [needed, by] of [
    ['TESSERA_JWKS_URL', 'TESSERA_JWT_ISSUER'],
    ['TESSERA_JWKS_URL', 'TESSERA_JWT_AUDIENCE'],
    ['ALERT_WEBHOOK_URL', 'ALERT_WEBHOOK_SECRET'],
    // An empty key would let anyone forge signatures.
    ['ALERT_WEBHOOK_SECRET', 'ALERT_WEBHOOK_URL'],
  ] as const) {
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
 * Checks the environment. Throws a `StartupError` with one line for each malformed value and each unknown `TESSERA_…`
 * variable; a line names the variable and never its value, which may be a secret.
 */
export function readConfig(environment: Environment): Config {
  const given = Object.fromEntries(Object.entries(environment).filter(isSet));
  const result = variables.safeParse(given);
  const problems = problemsOf(given, result);
  if (problems.length > 0 || !result.data) throw new StartupError(problems);
  return toConfig(result.data);
}

function toConfig(set: Variables): Config {
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
  };
}

export interface CliConfig {
  /** Where the server is, without `/graphql`. */
  url: string;
  /** Null: none was given. */
  key: string | null;
}

/** Server and credentials of the command line. Throws a `StartupError` as `readConfig` does. */
export function readCliConfig(environment: Environment): CliConfig {
  const result = clientVariables.safeParse(
    Object.fromEntries(Object.entries(environment).filter(isSet)),
  );
  if (!result.data) {
    const issues = result.error?.issues ?? [];
    throw new StartupError(issues.map(({ path, message }) => `${path.join('.')} ${message}`));
  }
  const { TESSERA_URL: url, TESSERA_KEY: key, TESSERA_ADMIN_KEY: adminKey } = result.data;
  return { url, key: key ?? adminKey ?? null };
}

export const readProcessCliConfig = (): CliConfig => readCliConfig(process.env);

/** The configuration of this process: the one place where the environment is read. */
export const readProcessConfig = (): Config => readConfig(process.env);
