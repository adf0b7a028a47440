import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js';
import {
  CancelledNotificationSchema,
  ErrorCode,
  isInitializeRequest,
  isJSONRPCRequest,
} from '@modelcontextprotocol/sdk/types.js';
import { GraphQLError } from 'graphql';
import type { Caller } from '../../kernel/access/principal.ts';
import type { Log } from '../../kernel/log.ts';
import type { Registry } from '../../kernel/registry/registry.ts';
import type { Services } from '../../schema/services.ts';
import { assertShallow } from '../graphql/input-depth.ts';
import type { Admission } from '../http/admission.ts';
import { credentialsOf, isSameOrigin } from '../http/credentials.ts';
import { createExchange, requestIdOf } from '../http/exchange.ts';
import { isJson, readJsonBody } from '../http/read-json-body.ts';
import { refusal } from '../http/request-refusal.ts';
import { CallsInFlight, type ClientSession } from './calls-in-flight.ts';
import { createMcpServer, type McpOffer } from './create-mcp-server.ts';
import { offerAgents } from './offer-agents.ts';
import { promptListing } from './offer-prompts.ts';
import { offerTools } from './offer-tools.ts';
import { readCall } from './read-call.ts';

export interface McpHandlerOptions extends Pick<Services, 'registry' | 'prompts' | 'runs'> {
  /** The same door as GraphQL's: keys, rate limits, shutdown. */
  admission: Pick<Admission, 'admit' | 'beginWork'>;
  bodyLimitBytes: number;
  version: string;
  log: Log;
}

export type McpHandler = (request: IncomingMessage, response: ServerResponse) => Promise<void>;

/**
 * The MCP endpoint: this server's tools, agents and prompts over streamable HTTP, by the same keys as GraphQL. It is
 * stateless: any server of a deployment answers any request; there is no stream of its own to GET. Never rejects because
 * of what a client did.
 */
export function createMcpHandler(options: McpHandlerOptions): McpHandler {
  const offer = createOffer(options);
  const calls = new CallsInFlight();
  return async (request, response) => {
    const header = response.getHeader('x-request-id') ?? request.headers['x-request-id'];
    const requestId = requestIdOf(typeof header === 'number' ? undefined : header);
    try {
      const caller = await admit(request, requestId, options);
      const body = await readMessage(request, options.bodyLimitBytes);
      const sessionId = request.headers['mcp-session-id']?.toString();
      await answer({ request, response, body, session: { caller, sessionId } }, offer, calls);
    } catch (error) {
      if (!(error instanceof GraphQLError) || response.headersSent) throw error;
      refuse(response, error, requestId);
    }
  };
}

function createOffer({ registry, prompts, runs, version, log }: McpHandlerOptions): McpOffer {
  const tools = offerTools(registry.tools.values(), runs);
  const agents = offerAgents(registry.agents.values(), runs);
  warnOfSharedNames(registry, log);
  return {
    registry,
    prompts,
    version,
    log,
    tools: new Map([...agents, ...tools].map((offered) => [offered.listing.name, offered])),
    promptListings: Array.from(registry.prompts.values(), promptListing),
  };
}

function warnOfSharedNames({ agents, tools }: Registry, log: Log): void {
  for (const agent of agents.keys()) {
    if (!tools.has(`agent_${agent}`)) continue;
    log.warn({ agent }, 'MCP clients cannot reach this agent: a tool is named like it');
  }
}

async function admit(
  request: IncomingMessage,
  requestId: string,
  { admission }: McpHandlerOptions,
): Promise<Caller> {
  if (!isSameOrigin(request)) {
    throw refusal('FORBIDDEN', 'Pages of other origins may not use this endpoint.');
  }
  if (request.method !== 'POST') {
    throw refusal('BAD_USER_INPUT', 'This endpoint is stateless: send every message by POST.', {
      status: 405,
      headers: { allow: 'POST' },
    });
  }
  admission.beginWork();
  const exchange = createExchange('http', requestId, { stalled: () => false });
  // A browser's session does not count: MCP clients have a key.
  await admission.admit(exchange, { ...credentialsOf(request), session: null }, ['USER']);
  return exchange.caller!;
}

async function readMessage(request: IncomingMessage, limit: number): Promise<unknown> {
  if (!isJson(request.headers['content-type'])) {
    const status = 415;
    throw refusal('BAD_USER_INPUT', 'Send content-type: application/json.', { status });
  }
  const body = await readJsonBody(request, limit);
  assertShallow(body);
  // The protocol has dropped batches; here one would pass the rate limit as a single request.
  if (Array.isArray(body)) throw refusal('BAD_USER_INPUT', 'Send one message for each request.');
  return body;
}

interface HttpRequest {
  request: IncomingMessage;
  response: ServerResponse;
  body: unknown;
  session: ClientSession;
}

async function answer(
  { request, response, body, session }: HttpRequest,
  offer: McpOffer,
  calls: CallsInFlight,
): Promise<void> {
  const cancel = CancelledNotificationSchema.safeParse(body);
  if (cancel.success && cancel.data.params.requestId !== undefined) {
    calls.cancel(session, cancel.data.params.requestId);
  }
  const read = readCall(body);
  if ('problem' in read) return refuseCall(response, read);
  if (isInitializeRequest(body)) response.setHeader('mcp-session-id', randomUUID());
  const transport = new StreamableHTTPServerTransport();
  const server = createMcpServer(offer, session.caller);
  const end = () => void server.close();
  const over = isJSONRPCRequest(body) ? calls.add(session, body.id, end) : () => undefined;
  response.once('close', () => {
    over();
    end();
  });
  await server.connect(transport as Transport);
  await transport.handleRequest(request, response, read.message);
}

function refuseCall(response: ServerResponse, { id, problem }: { id: unknown; problem: string }) {
  const error = { code: ErrorCode.InvalidParams, message: problem };
  response.writeHead(200, { 'content-type': 'application/json; charset=utf-8' });
  response.end(JSON.stringify({ jsonrpc: '2.0', error, id }));
}

/** A request that never reached the protocol: the status tells HTTP clients, the body MCP clients. */
function refuse(response: ServerResponse, { message, extensions }: GraphQLError, id: string): void {
  const { code, http, ...details } = extensions;
  const { status = 400, headers = {} } = (http ?? {}) as {
    status?: number;
    headers?: Record<string, string>;
  };
  const error = { code: -32_000, message, data: { ...details, code, requestId: id } };
  response.writeHead(status, { ...headers, 'content-type': 'application/json; charset=utf-8' });
  response.end(JSON.stringify({ jsonrpc: '2.0', error, id: null }));
}
