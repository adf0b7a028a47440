import type { IncomingMessage, ServerResponse } from 'node:http';
import type { MessageCreateParamsBase } from '@anthropic-ai/sdk/resources/messages/messages';
import { ApiError, invalidRequest } from '../api-error.ts';
import { promptTokens } from '../billing/token-estimate.ts';
import type { Fault, FaultQueue } from '../faults/fault.ts';
import { CallAborted } from '../faults/hold-gate.ts';
import { createIdentifier } from '../identifier.ts';
import { isRecord } from '../is-record.ts';
import { type Conversation, readConversation } from '../replies/conversation.ts';
import { checkHeaders, modelById, modelPage, parseJsonBody } from './api-routes.ts';
import { apiHeaders, readBody, sendError, sendJson } from './http-exchange.ts';
import { type CallServices, runMessageCall } from './message-call.ts';
import type { RecordedRequest } from './request-log.ts';
import { validateRequest } from './request-validation.ts';

interface Exchange {
  request: IncomingMessage;
  response: ServerResponse;
  record: RecordedRequest;
  headers: Record<string, string>;
  url: URL;
  signal: AbortSignal;
}

/** Serves the API's own routes: records the request, checks it, finds its fault, and has it answered. */
export class ApiHandler {
  readonly #services: CallServices & { faults: FaultQueue; requireKey: boolean };
  /** How often an instruction with `times=` has struck already, by instruction and question. */
  readonly #struck = new Map<string, number>();

  constructor(services: CallServices & { faults: FaultQueue; requireKey: boolean }) {
    this.#services = services;
  }

  /** Lets instructions with `times=` strike again from the start. */
  forget(): void {
    this.#struck.clear();
  }

  async serve(request: IncomingMessage, response: ServerResponse, url: URL): Promise<void> {
    const { log } = this.#services;
    const record = this.#record(request, url.pathname);
    const headers = apiHeaders(record.requestId, log.openCalls);
    const gone = new AbortController();
    response.on('close', () => {
      gone.abort();
      // Also settles what was given up while still being read; a call in progress settles itself, with its bill.
      if (record.status === null) log.settle(record, 'aborted');
    });
    try {
      await this.#answer({ request, response, record, headers, url, signal: gone.signal });
    } catch (error) {
      if (error instanceof CallAborted || gone.signal.aborted || request.errored !== null) {
        log.settle(record, 'aborted');
        return;
      }
      record.status = error instanceof ApiError ? error.status : 500;
      log.settle(record, 'error');
      sendError(response, error, { requestId: record.requestId, headers });
    }
  }

  #record(request: IncomingMessage, path: string): RecordedRequest {
    const record: RecordedRequest = {
      requestId: createIdentifier('req'),
      method: request.method ?? 'GET',
      path,
      headers: request.headers,
      body: null,
      startedAt: Date.now(),
      outcome: 'open',
      status: null,
      billed: null,
    };
    this.#services.log.add(record);
    return record;
  }

  async #answer(exchange: Exchange): Promise<void> {
    const { request, response, record, headers, url } = exchange;
    const text = await readBody(request);
    checkHeaders(request.headers, this.#services.requireKey);
    const finish = (body: unknown) => {
      record.status = 200;
      this.#services.log.settle(record, 'completed');
      sendJson(response, 200, { body, headers });
    };
    const [, modelId] = /^GET \/v1\/models\/(.+)$/.exec(`${request.method} ${url.pathname}`) ?? [];
    if (modelId !== undefined) return finish(modelById(modelId));
    switch (`${request.method} ${url.pathname}`) {
      case 'GET /v1/models':
        return finish(modelPage(url.searchParams));
      case 'POST /v1/messages/count_tokens':
        return finish({
          input_tokens: promptTokens(this.#validated(exchange, text, 'count_tokens')),
        });
      case 'POST /v1/messages':
        return this.#answerMessage(exchange, this.#validated(exchange, text, 'messages'));
      default:
        throw new ApiError(404, `Not found: ${request.method} ${url.pathname}`);
    }
  }

  #validated(
    exchange: Exchange,
    text: string,
    endpoint: 'messages' | 'count_tokens',
  ): MessageCreateParamsBase {
    const parsed = parseJsonBody(text);
    exchange.record.body = isRecord(parsed) ? (parsed as unknown as MessageCreateParamsBase) : null;
    return validateRequest(parsed, { endpoint, beta: exchange.url.searchParams.has('beta') }).body;
  }

  async #answerMessage(exchange: Exchange, body: MessageCreateParamsBase): Promise<void> {
    const conversation = readable(body);
    const fault = this.#services.faults.take(body) ?? this.#instructedFault(conversation);
    await runMessageCall({ ...exchange, conversation, fault }, this.#services);
  }

  #instructedFault({ steering, question, toolTurnsTaken }: Conversation): Fault | undefined {
    const instructed = steering.fault;
    if (instructed === undefined) return undefined;
    if (instructed.turn !== undefined && instructed.turn !== toolTurnsTaken + 1) return undefined;
    const key = `${instructed.source}\n${question}`;
    const before = this.#struck.get(key) ?? 0;
    const { times } = instructed.fault;
    if (times !== undefined && before >= times) return undefined;
    if (times !== undefined) this.#struck.set(key, before + 1);
    return instructed.fault;
  }
}

function readable(body: MessageCreateParamsBase): Conversation {
  try {
    return readConversation(body);
  } catch (error) {
    throw invalidRequest(
      `instruction to the demo model: ${String(error instanceof Error ? error.message : error)}`,
    );
  }
}
