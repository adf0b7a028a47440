import type { Rerank } from '../kernel/knowledge-search.ts';
import type { Message, UserBlock } from '../kernel/model.ts';
import type { PackedSources } from '../knowledge/knowledge.ts';
import { billingOf } from './calls/billing.ts';
import { type CachedRequest, cachedCall } from './calls/cached-call.ts';
import type { CallFinish } from './calls/metered-call.ts';
import {
  cacheModeOf,
  callOf,
  chainOf,
  type PreparedPrompt,
  prepareNamed,
} from './calls/prepared-prompt.ts';
import { promptAnswer } from './calls/prompt-answer.ts';
import { throwIfRefused } from './calls/refusal.ts';
import { RunSink } from './calls/run-sink.ts';
import { finishPatch, keepTurn, promptPatch, recordPrompt } from './completion.ts';
import { answeredCalls } from './conversation/answered-calls.ts';
import { countSources } from './conversation/count-sources.ts';
import { callWith } from './conversation/earlier-tools.ts';
import { fittedMessages, type HistoryRequest } from './conversation/fit-history.ts';
import { historyOf } from './conversation/history-of.ts';
import { standaloneQuestion } from './conversation/standalone-question.ts';
import { failRun } from './live/fail-run.ts';
import { endedByFallbackText } from './live/fallback-text.ts';
import type { LiveRun } from './live/live-run.ts';
import { findReranker, rerankWith } from './rerank.ts';
import type { RunServices } from './run-services.ts';
import type { AnswerRequest } from './runs.ts';

/** The prompt that words an answer's instructions, unless the caller names another of the same variables. */
export const defaultAnswerPrompt = 'rag_qa';
/** What the found passages may take of the model's window. */
const sourceTokenBudget = 6_000;

const nothingFound = 'Nothing about this was found in the sources.';

/** Question in, cited answer out: finds passages, tells them first, has the model answer from them, checks each quotation. */
export async function runAnswer(
  run: LiveRun,
  request: AnswerRequest,
  services: RunServices,
): Promise<void> {
  const options = request.options ?? {};
  const sink = new RunSink(run);
  try {
    const exchanges = await historyOf(run, services);
    const { question: asked } = request;
    const question = await standaloneQuestion(run, { question: asked, exchanges }, services);
    const packed = await findSources(run, { ...request, question }, services);
    const prompt = await wordQuestion(run, { request, packed }, services);
    recordPrompt(run, prompt);
    const chain = chainOf(request, { prompt: prompt.model, options, models: services.models });
    run.append({ type: 'RunStarted', model: chain[0]!, promptVersionId: prompt.promptVersionId });
    if (question !== asked) run.append({ type: 'QuestionRewritten', question });
    run.append({ type: 'SourcesFound', sources: packed.sources });
    if (packed.sources.length === 0) return await endWithoutSources(run, { prompt, chain });
    const mode = cacheModeOf(prompt, options);
    const call = { ...callOf(prompt, request), messages: messagesOf(prompt, { packed }) };
    const messages = await inConversation(
      { run, exchanges, call, chain, policy: options.history },
      { request, packed },
      services,
    );
    const asking = { call: callWith(call, messages), chain, mode };
    const calling = { request: asking, packed, sink };
    const finish = await callCited(run, calling, services);
    keepTurn(run, finish);
    await run.end(
      { ...promptPatch(run), ...finishPatch(finish), text: sink.said },
      { type: 'RunFinished' },
    );
  } catch (error) {
    const patch = { ...promptPatch(run), text: sink.said };
    if (!(await endedByFallbackText(run, { error, options, patch }))) {
      await failRun(run, { error, patch }, services);
    }
  }
}

/** A model that is given no passages can only invent: it is not asked, and nothing is paid. */
async function endWithoutSources(
  run: LiveRun,
  { prompt, chain }: { prompt: PreparedPrompt; chain: readonly string[] },
): Promise<void> {
  run.append({ type: 'RunAsked', messages: prompt.messages });
  run.append({ type: 'TextDelta', text: nothingFound });
  const model = chain[0]!;
  const end = { status: 'SUCCEEDED', model, stopReason: 'end_turn', text: nothingFound } as const;
  await run.end({ ...promptPatch(run), ...end }, { type: 'RunFinished' });
}

interface Question {
  request: AnswerRequest;
  packed: PackedSources;
  /** How many sources the conversation has before this question's. */
  before?: number;
}

/**
 * The messages of the call. Sources are numbered over the whole conversation, so the question is worded when it is known how
 * much of the conversation goes along.
 */
async function inConversation(
  fitting: HistoryRequest,
  question: Question,
  services: RunServices,
): Promise<Message[]> {
  const { run, call } = fitting;
  const fitted = await fittedMessages(fitting, services);
  const history = fitted.slice(0, -call.messages.length);
  const before = countSources(history);
  if (before === 0) {
    run.append({ type: 'RunAsked', messages: call.messages });
    return fitted;
  }
  const own = messagesOf(await wordQuestion(run, { ...question, before }, services), question);
  run.append({ type: 'RunAsked', messages: own });
  return answeredCalls([...history, ...own]);
}

async function findSources(
  run: LiveRun,
  request: AnswerRequest,
  services: RunServices,
): Promise<PackedSources> {
  const { knowledge, ledger } = services;
  const { question: query, collection, topK, filter, diversity, rerank } = request;
  const { envelope } = run;
  const hits = await knowledge.search({
    query,
    signal: run.signal,
    meter: ledger.meterEmbedders({ tag: { ...run.tag, kind: 'EMBEDDING' }, envelope }),
    ...(collection == null ? {} : { collection }),
    ...(topK == null ? {} : { topK }),
    ...(filter == null ? {} : { filter }),
    ...(diversity == null ? {} : { diversity }),
    ...(rerank == null ? {} : { rerank: rerankIn({ run, name: rerank, request }, services) }),
  });
  return knowledge.pack(hits, sourceTokenBudget);
}

/** What a reranker asks of the model is the run's own expense. */
function rerankIn(
  { run, name, request }: { run: LiveRun; name: string; request: AnswerRequest },
  services: RunServices,
): Rerank {
  const { question: query, options } = request;
  return rerankWith(findReranker(name, services.registry), {
    query,
    signal: run.signal,
    log: services.log,
    promptAnswer: (named) => promptAnswer(run, { named, options: options ?? {} }, services),
  });
}

/** The prompt's `context` names the passages; their text goes in as citable blocks, as data. */
async function wordQuestion(
  run: LiveRun,
  { request, packed, before = 0 }: Question,
  { prompts }: RunServices,
): Promise<PreparedPrompt> {
  const context = packed.sources.map(
    ({ title, source }, index) => `[${before + index + 1}] ${title ?? source}`,
  );
  const variables = { context: context.join('\n'), query: request.question };
  const name = request.prompt ?? defaultAnswerPrompt;
  const subject = request.options?.subject ?? run.row.userId;
  return prepareNamed({ name, variables }, subject, prompts);
}

function messagesOf(prompt: PreparedPrompt, { packed }: Pick<Question, 'packed'>): Message[] {
  const earlier = prompt.messages.slice(0, -1);
  const question = prompt.messages.at(-1)!;
  const content = [...packed.blocks, ...(question.content as UserBlock[])];
  return [...earlier, { role: 'user', content }];
}

interface CitedCall {
  request: CachedRequest;
  packed: PackedSources;
  sink: RunSink;
}

/** As a completion streams, with each citation emitted only when its words stand in the source. */
async function callCited(
  run: LiveRun,
  { request, packed, sink }: CitedCall,
  services: RunServices,
): Promise<CallFinish> {
  const { knowledge, log } = services;
  const before = countSources(request.call.messages) - packed.blocks.length;
  let cited = 0;
  sink.onCitation = (found, at) => {
    const searchResultIndex = found.searchResultIndex - before;
    // What was said of earlier sources is true, but they are not this answer's.
    if (searchResultIndex < 0) return;
    const citation = knowledge.verify(packed, { ...found, searchResultIndex }, at);
    if (citation) {
      cited += 1;
      run.append({ type: 'CitationFound', citation });
    } else log.warn({ runId: run.id }, 'a citation does not stand in its source; it is not served');
  };
  const finish = await cachedCall({ billing: billingOf(run), request, sink }, services);
  throwIfRefused(finish);
  if (cited === 0) {
    for (const citation of knowledge.parseBracketCitations(sink.said, packed, before)) {
      run.append({ type: 'CitationFound', citation });
    }
  }
  return finish;
}
