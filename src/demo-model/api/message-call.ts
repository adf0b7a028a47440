import type { ServerResponse } from 'node:http';
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import { ApiError, defaultErrorMessage, errorBody, errorTypeOfStatus } from '../api-error.ts';
import type { BillingLedger, CallOutcome } from '../billing/billing-ledger.ts';
import type { InputUsage, PromptCache } from '../billing/prompt-cache.ts';
import type { Fault } from '../faults/fault.ts';
import { CallAborted, type HoldGate, waitForAbort } from '../faults/hold-gate.ts';
import { createIdentifier } from '../identifier.ts';
import type { Conversation } from '../replies/conversation.ts';
import { planReply } from '../replies/reply-planner.ts';
import { type ReplyEnd, replySteps } from '../replies/reply-steps.ts';
import { closingEvent, openingMessage } from './message-shape.ts';
import { JsonSink, type ReplySink, SseSink } from './reply-sink.ts';
import type { RecordedRequest, RequestLog } from './request-log.ts';

/** State of the server that a call uses. */
export interface CallServices {
  billing: BillingLedger;
  cache: PromptCache;
  gate: HoldGate;
  log: RequestLog;
  /** Milliseconds between deltas, unless the message says otherwise. */
  delayMs: number;
}

/** One accepted request on its way to an answer. */
export interface AcceptedCall {
  record: RecordedRequest;
  conversation: Conversation;
  fault: Fault | undefined;
  response: ServerResponse;
  headers: Record<string, string>;
  /** Aborted when the client leaves. */
  signal: AbortSignal;
}

const DELTAS_PER_WRITE = 32;
/** Time for the bytes before a reset to reach the client, which would otherwise be dropped with them. */
const RESET_AFTER_MS = 20;

/** Answers one message request, or fails as its fault says. Throws {@link ApiError} before the first byte only. */
export async function runMessageCall(call: AcceptedCall, services: CallServices): Promise<void> {
  await services.gate.passHold(call.signal);
  await failBeforeFirstByte(call, services);
  await new MessageCall(call, services).run();
}

/** Faults that come before the model has begun to answer; nothing is billed for them. */
async function failBeforeFirstByte(
  { fault, signal, response, record }: AcceptedCall,
  { log }: CallServices,
): Promise<void> {
  if (fault?.kind === 'status') throw statusError(fault);
  if (fault?.kind === 'slow_first_byte') await pause(fault.delayMs, signal);
  if (fault?.kind === 'stall' && fault.afterDeltas === undefined) await waitForAbort(signal);
  if (fault?.kind === 'reset' && fault.afterDeltas === undefined) {
    log.settle(record, 'error');
    response.socket?.resetAndDestroy();
    throw new CallAborted();
  }
}

function statusError(fault: Extract<Fault, { kind: 'status' }>): ApiError {
  const headers: Record<string, string> = {};
  if (fault.retryAfterSeconds !== undefined)
    headers['retry-after'] = String(fault.retryAfterSeconds);
  if (fault.retryAfterMs !== undefined) headers['retry-after-ms'] = String(fault.retryAfterMs);
  if (fault.status === 429 && Object.keys(headers).length === 0) headers['retry-after'] = '1';
  if (fault.shouldRetry !== undefined) headers['x-should-retry'] = String(fault.shouldRetry);
  const message = fault.message ?? defaultErrorMessage(errorTypeOfStatus(fault.status));
  return new ApiError(fault.status, message, { headers, details: fault.details });
}

class MessageCall {
  readonly #call: AcceptedCall;
  readonly #services: CallServices;
  readonly #messageId = createIdentifier('msg');
  readonly #input: InputUsage;
  readonly #sink: ReplySink;
  readonly #delayMs: number;
  #outputTokens = 0;
  #thinkingTokens = 0;

  constructor(call: AcceptedCall, services: CallServices) {
    const { request, steering } = call.conversation;
    this.#call = call;
    this.#services = services;
    this.#input = services.cache.apply(request);
    this.#delayMs = steering.delayMs ?? services.delayMs;
    const Sink = request.stream === true ? SseSink : JsonSink;
    this.#sink = new Sink(call.response, call.headers, call.signal);
  }

  async run(): Promise<void> {
    const { request } = this.#call.conversation;
    try {
      this.#call.record.status = 200;
      await this.#sink.open(openingMessage(this.#messageId, request.model, this.#input));
      const end = await this.#generate();
      if (end === undefined) return;
      const output = { outputTokens: this.#outputTokens, thinkingTokens: this.#thinkingTokens };
      // Settled before the last bytes leave, so that who has read the answer finds it in the books.
      this.#settle('completed');
      this.#sink.close(closingEvent(end, this.#input, output));
    } catch (error) {
      this.#settle(error instanceof CallAborted ? 'aborted' : 'error');
      if (!(error instanceof CallAborted)) this.#call.response.destroy();
    }
  }

  /** Sends the content; undefined when a fault has ended the answer. */
  async #generate(): Promise<ReplyEnd | undefined> {
    const { conversation, fault } = this.#call;
    const steps = replySteps(planReply(conversation, fault), conversation.request.max_tokens);
    const breaksAt = streamFaultPlace(fault);
    let deltas = 0;
    for (let next = steps.next(); ; next = steps.next()) {
      const due =
        deltas === breaksAt && (next.done || next.value.event.type === 'content_block_delta');
      if ((due || (next.done && deltas < breaksAt)) && (await this.#breakOff(fault)))
        return undefined;
      if (next.done) return next.value;
      this.#sink.step(next.value.event);
      this.#outputTokens = next.value.outputTokens;
      this.#thinkingTokens = next.value.thinkingTokens;
      if (next.value.event.type !== 'content_block_delta') continue;
      deltas += 1;
      await this.#pace(deltas);
    }
  }

  /** Without a delay, deltas go out in packets: the first alone, then 32 together. */
  async #pace(deltas: number): Promise<void> {
    if (this.#delayMs > 0) {
      await this.#sink.flush();
      await pause(this.#delayMs, this.#call.signal);
    } else if (deltas === 1 || deltas % DELTAS_PER_WRITE === 0) {
      await this.#sink.flush();
      // An abort is only noticed when the event loop gets to see it.
      await nextTurn();
    }
  }

  /** Applies the fault at its place in the stream; false if the answer continues afterwards. */
  async #breakOff(fault: Fault | undefined): Promise<boolean> {
    const { signal, response, record } = this.#call;
    if (fault?.kind === 'error_event') {
      const type = fault.errorType ?? 'overloaded_error';
      const body = errorBody(
        { type, message: fault.message ?? defaultErrorMessage(type) },
        record.requestId,
      );
      this.#settle('error');
      this.#sink.fail(body, type === 'overloaded_error' ? 529 : 500);
      return true;
    }
    if (fault?.kind === 'cut' || fault?.kind === 'garbage') {
      this.#settle('error');
      this.#sink[fault.kind]();
      return true;
    }
    await this.#sink.flush();
    if (fault?.kind === 'gate') {
      await this.#services.gate.passGate(signal);
      return false;
    }
    if (fault?.kind === 'reset') {
      await pause(RESET_AFTER_MS, signal);
      this.#settle('error');
      response.socket?.resetAndDestroy();
      return true;
    }
    return waitForAbort(signal);
  }

  #settle(outcome: CallOutcome): void {
    const { record, conversation } = this.#call;
    if (record.outcome !== 'open') return;
    record.billed = this.#services.billing.record({
      requestId: record.requestId,
      messageId: this.#messageId,
      model: conversation.request.model,
      input: this.#input,
      outputTokens: Math.max(1, this.#outputTokens),
      outcome,
    });
    this.#services.log.settle(record, outcome);
  }
}

/** After how many deltas a fault of the stream acts; never (-1) for the others. */
function streamFaultPlace(fault: Fault | undefined): number {
  switch (fault?.kind) {
    case 'stall':
    case 'reset':
    case 'gate':
    case 'error_event':
    case 'cut':
    case 'garbage':
      return fault.afterDeltas ?? 0;
    default:
      return -1;
  }
}

async function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  await sleep(milliseconds, undefined, { signal }).catch(() => {
    throw new CallAborted();
  });
}
