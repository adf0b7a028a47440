import { describe, expect, test } from 'vitest';
import { readConfig } from '../src/config.ts';
import { StartupError } from '../src/kernel/startup-error.ts';

function problemsOf(environment: Record<string, string>): readonly string[] {
  try {
    readConfig(environment);
  } catch (error) {
    if (error instanceof StartupError) return error.problems;
    throw error;
  }
  return [];
}

describe('readConfig', () => {
  test('needs nothing', () => {
    expect(readConfig({})).toMatchObject({
      host: '127.0.0.1',
      port: 4000,
      database: { url: null, dataDir: '.tessera' },
      anthropic: { apiKey: null },
      rateLimit: 6_000,
      corsOrigins: [],
      disconnectGraceMs: 5000,
      shutdownDrainMs: 20_000,
      slowConsumerMs: 10_000,
      jwt: null,
      logLevel: 'info',
    });
  });

  test('takes an empty value as left out', () => {
    expect(readConfig({ PORT: '', TESSERA_MODEL: '' })).toEqual(readConfig({}));
  });

  test('leaves other programs their variables', () => {
    expect(readConfig({ PATH: '/bin', npm_config_x: 'y' })).toEqual(readConfig({}));
  });

  test('reads each value as what it is', () => {
    const config = readConfig({
      PORT: '0',
      RATE_LIMIT: '120',
      CORS_ORIGINS: 'https://app.example, http://localhost:3000',
      TESSERA_JWKS_URL: 'https://login.example/jwks',
      TESSERA_JWT_AUDIENCE: 'tessera',
      DISCONNECT_GRACE_MS: '0',
      ALERT_COST_THRESHOLD: '0.50',
    });
    expect(config).toMatchObject({
      port: 0,
      rateLimit: 120,
      corsOrigins: ['https://app.example', 'http://localhost:3000'],
      jwt: { jwksUrl: 'https://login.example/jwks', issuer: null, audience: 'tessera' },
      disconnectGraceMs: 0,
      alerts: { costThreshold: '0.50' },
    });
    expect(readConfig({ RATE_LIMIT: 'off' }).rateLimit).toBeNull();
  });

  test.each([
    ['PORT', '70000'],
    ['PORT', '4000x'],
    ['DATABASE_URL', 'mysql://localhost/x'],
    ['ANTHROPIC_BASE_URL', 'localhost:1234'],
    ['RATE_LIMIT', 'sometimes'],
    ['RATE_LIMIT', '0'],
    ['CORS_ORIGINS', 'https://app.example/path'],
    ['DISCONNECT_GRACE_MS', '-1'],
    ['SHUTDOWN_DRAIN_MS', '20s'],
    ['SLOW_CONSUMER_MS', '0'],
    ['BUDGET_TIME_ZONE', 'Mars/Olympus'],
    ['ALERT_COST_THRESHOLD', 'much'],
    ['LOG_LEVEL', 'loud'],
    ['TESSERA_ADMIN_KEY', 'a-key-that-has a space'],
    ['TESSERA_ADMIN_KEY', 'nineteen-characters'],
    ['TESSERA_JWKS_URL', 'file:///etc/passwd'],
  ])('refuses %s=%s with one line that names it', (name, value) => {
    const problems = problemsOf({ [name]: value });
    expect(problems).toHaveLength(1);
    expect(problems[0]).toMatch(new RegExp(`^${name} must be `));
    expect(problems[0]).not.toContain('\n');
  });

  test('takes tokens only for a named audience, and keys only over https', () => {
    const url = { TESSERA_JWKS_URL: 'https://login.example/jwks' };
    expect(problemsOf(url)).toEqual([
      expect.stringMatching(/^TESSERA_JWKS_URL needs TESSERA_JWT_AUDIENCE/),
    ]);
    expect(readConfig({ ...url, TESSERA_JWT_AUDIENCE: '*' }).jwt?.audience).toBeNull();
    const keys = (TESSERA_JWKS_URL: string) => ({ TESSERA_JWKS_URL, TESSERA_JWT_AUDIENCE: 'a' });
    expect(problemsOf(keys('http://login.example/jwks'))).toEqual([
      expect.stringMatching(/^TESSERA_JWKS_URL must be an https/),
    ]);
    for (const host of ['localhost', '127.0.0.1:8080', '[::1]:8080']) {
      expect(readConfig(keys(`http://${host}/jwks`)).jwt?.audience).toBe('a');
    }
  });

  test('takes a webhook only with the secret that signs its posts', () => {
    const url = { ALERT_WEBHOOK_URL: 'https://hooks.example/alerts' };
    expect(problemsOf(url)).toEqual([
      expect.stringMatching(/^ALERT_WEBHOOK_URL needs ALERT_WEBHOOK_SECRET/),
    ]);
    const secret = { ALERT_WEBHOOK_SECRET: 'shared' };
    expect(readConfig({ ...url, ...secret }).alerts.webhook).toEqual({
      url: 'https://hooks.example/alerts',
      secret: 'shared',
    });
  });

  test('refuses an unknown TESSERA_ variable, and tells every problem at once', () => {
    const problems = problemsOf({
      TESSERA_ADMINKEY: 'secret',
      PORT: 'x',
      TESSERA_JWT_ISSUER: 'me',
    });
    expect(problems).toEqual([
      expect.stringMatching(/^TESSERA_ADMINKEY is not a variable/),
      expect.stringMatching(/^PORT must be/),
      expect.stringMatching(/^TESSERA_JWT_ISSUER needs TESSERA_JWKS_URL/),
    ]);
    expect(problems.join()).not.toContain('secret');
  });
});
