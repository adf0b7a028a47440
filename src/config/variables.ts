import { isIP } from 'node:net';
import { z } from 'zod';
import { isLoopback } from '../kernel/is-loopback.ts';

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

/** What comes from there says who people are: replaced on its way it would prove nothing. */
const trustedUrl = z.string().refine((text) => {
  const url = URL.parse(text);
  return url?.protocol === 'https:' || (url?.protocol === 'http:' && isLoopback(url.hostname));
}, 'must be an https URL: http is for this machine only, elsewhere what it answers could be replaced on its way');

/** Every variable that the server reads. Left out and empty are the same. */
export const variables = z.object({
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
  TESSERA_JWKS_URL: trustedUrl.optional(),
  TESSERA_JWT_ISSUER: z.string().optional(),
  TESSERA_JWT_AUDIENCE: z.string().optional(),
  TESSERA_CONFIG: z.string().optional(),
  PUBLIC_URL: webUrl.optional(),
  OIDC_ISSUER: trustedUrl.optional(),
  OIDC_CLIENT_ID: z.string().optional(),
  OIDC_CLIENT_SECRET: z.string().optional(),
  OIDC_SCOPES: z
    .string()
    .refine((text) => text.split(' ').includes('openid'), 'must have openid among its scopes')
    .default('openid profile'),

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

export type Variables = z.output<typeof variables>;

/** What the command line reads; the server knows the names, since both may stand in one environment. */
export const clientVariables = z.object({
  TESSERA_URL: webUrl.default('http://127.0.0.1:4000'),
  TESSERA_KEY: z.string().optional(),
  TESSERA_ADMIN_KEY: z.string().optional(),
  DATA_DIR: z.string().default('.tessera'),
});

/** Variables whose value may lie in a file instead, as containers are given secrets: that file is named by NAME_FILE. */
export const secretNames = [
  'DATABASE_URL',
  'ANTHROPIC_API_KEY',
  'OPENAI_API_KEY',
  'VOYAGE_API_KEY',
  'TESSERA_ADMIN_KEY',
  'TESSERA_KEY',
  'OIDC_CLIENT_SECRET',
  'ALERT_WEBHOOK_SECRET',
] as const;
