import type { GraphQLSchema } from 'graphql';
import type { Auth } from '../auth/auth.ts';
import type { RateLimiter } from '../auth/rate-limiter.ts';
import type { Log } from '../kernel/log.ts';
import type { Services } from '../schema/services.ts';
import type { Metrics } from '../telemetry/create-metrics.ts';
import type { CreateContext } from './graphql/create-graphql-handler.ts';

export interface TransportOptions {
  schema: GraphQLSchema;
  createContext: CreateContext;
  auth: Auth;
  rateLimiter: RateLimiter;
  /** Services offered to MCP clients at `/mcp`; no such endpoint when left out. */
  mcp?: { services: Pick<Services, 'registry' | 'prompts' | 'runs'>; version: string };
  /** Source of `/export/usage`; no such endpoint when left out. */
  ledger?: Pick<Services['ledger'], 'exportUsage'>;
  /** Rejects while the database is away. */
  pingDatabase(): Promise<unknown>;
  metrics: Metrics;
  log: Log;
  bodyLimitBytes: number;
  corsOrigins: readonly string[];
  /** Addresses and networks of proxies whose X-Forwarded-For counts. Default: none. */
  trustedProxies?: readonly string[];
  /** Time without progress of a reader before its stream ends with SLOW_CONSUMER. Default 10,000. */
  stallMs?: number;
  /** Time for a request to arrive. Default: headers within 10 s, all of it within 30 s, checked every 2 s. */
  arrival?: { headersMs: number; requestMs: number; lookMs: number };
  /** Interval of WebSocket pings and of checks whether a stream's key still holds. Default 12,000. */
  keepAliveMs?: number;
}
