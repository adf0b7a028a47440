import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Log } from '../../../src/kernel/log.ts';
import { createOpenAiProvider } from '../../../src/model/providers/openai/openai-provider.ts';
import { recordingLog } from '../../support/recording-log.ts';
import { fixture, type Replay, type ReplayAnswer, startReplay } from '../support/start-replay.ts';
import { domainError, userText } from '../support/start-test-models.ts';

let replay: Replay;
beforeEach(async () => {
  replay = await startReplay();
});
afterEach(async () => replay[Symbol.asyncDispose]());

const apiKey = 'sk-ours-0123456789abcdef';

async function ask(log: Log, ...answers: ReplayAnswer[]) {
  const provider = createOpenAiProvider({ apiKey, baseURL: `${replay.url}/v1`, log });
  replay.script(...answers);
  let text = '';
  const sink = {
    start() {},
    text: (piece: string) => {
      text += piece;
    },
    thinking() {},
    citation() {},
    usage() {},
  };
  const call = { model: 'm', maxTokens: 99, messages: [userText('Hi')] };
  const { signal } = new AbortController();
  let error: unknown;
  await provider.call!(call, { signal }, sink).catch((thrown: unknown) => {
    error = thrown;
  });
  await provider.close!();
  return { error, text };
}

describe('an error of an OpenAI-compatible server', () => {
  it.each([
    'error-as-text',
    'error-as-object',
    'error-as-detail',
    'error-in-a-choice',
    'error-body-of-200',
    'error-behind-text',
  ])("inside a stream shows and logs the server's own reason: %s", async (name) => {
    const { log, entries } = recordingLog();
    const { error, text } = await ask(log, await fixture(`openai/${name}`));
    expect(domainError(error)).toMatchObject({ code: 'MODEL_UNAVAILABLE', retryable: true });
    expect(domainError(error).message).toContain('out of memory on device 3');
    expect(JSON.stringify(entries)).toContain('out of memory on device 3');
    if (name === 'error-behind-text') expect(text).toBe('Hel');
  });

  const tooLong = { code: 'MODEL_REFUSED', details: { tooLong: true } };
  const refused = { code: 'MODEL_REFUSED', details: {} };
  it.each<[number, unknown, object, string]>([
    [400, { error: 'model "x" has no tools' }, refused, 'model "x" has no tools'],
    [
      400,
      {
        object: 'error',
        message: "This model's maximum context length is 4096 tokens.",
        code: 400,
      },
      tooLong,
      'maximum context length',
    ],
    [400, { error: { message: 'the request exceeds the available context size' } }, tooLong, ''],
    [
      400,
      {
        error: {
          message: 'Input is too big',
          type: 'exceed_context_size_error',
        },
      },
      tooLong,
      'too big',
    ],
    [500, { error: 'prompt is too long: 9000 tokens' }, tooLong, 'prompt is too long'],
    [
      422,
      {
        detail: [{ loc: ['body', 'temperature'], msg: 'must be lower', type: 'value_error' }],
      },
      refused,
      'body.temperature: must be lower',
    ],
    [422, { detail: 'no such adapter' }, refused, 'no such adapter'],
    [400, { errors: [{ message: 'no such adapter' }] }, refused, 'no such adapter'],
    [400, [{ error: { code: 400, message: 'no such adapter' } }], refused, 'no such adapter'],
    [400, { message: 'no such adapter' }, refused, 'no such adapter'],
    [
      400,
      {
        error: {
          message: 'Provider returned error',
          metadata: { raw: 'no such adapter' },
        },
      },
      refused,
      'Provider returned error: no such adapter',
    ],
    [404, '404 page not found', { code: 'MODEL_NOT_FOUND' }, '404 page not found'],
    [429, { error: 'three a minute' }, { code: 'MODEL_RATE_LIMITED' }, 'three a minute'],
    [503, { error: 'loading weights' }, { code: 'MODEL_OVERLOADED' }, 'loading weights'],
  ])('of status %i is read in any shape: %o', async (status, body, expected, reason) => {
    const { log, entries } = recordingLog();
    const { error } = await ask(log, { status, body });
    expect(domainError(error)).toMatchObject(expected);
    expect(domainError(error).message).toContain(reason);
    expect(JSON.stringify(entries.map((entry) => entry['reason']))).toContain(
      JSON.stringify(reason).slice(1, -1),
    );
  });

  it.each([
    `Incorrect API key provided: ${apiKey}.`,
    'invalid header: Authorization: Bearer abcdefgh',
    'cannot reach https://user:pass-word@10.0.0.7/v1',
    'token=ghp_0123456789abcdefghijABCDEFGHIJ is expired',
    'bad signature 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822c',
  ])('is shown without secrets: %s', async (message) => {
    const { log, entries } = recordingLog();
    const { error } = await ask(log, { status: 400, body: { error: { message } } });
    const shown = domainError(error).message + JSON.stringify(entries);
    expect(shown).toContain('[hidden]');
    expect(shown).not.toMatch(/ours-0123|abcdefgh|pass-word|ghp_|9f86d08/);
  });

  it('is shown in one line of at most 300 characters', async () => {
    const message = `too\nmany\n${'words '.repeat(200)}`;
    const { error } = await ask(recordingLog().log, { status: 400, body: { error: message } });
    const shown = domainError(error).message;
    expect(shown).toContain('too many words');
    expect(shown.length).toBeLessThan(400);
    expect(shown).not.toContain('\n');
  });
});

describe('a server that does not take a field', () => {
  it.each<[unknown, string, string]>([
    [
      {
        error: {
          message:
            "Unsupported parameter: 'max_tokens' is not supported. Use 'max_completion_tokens'.",
          param: 'max_tokens',
        },
      },
      'max_tokens',
      'max_completion_tokens',
    ],
    [
      {
        error: {
          message: 'Unsupported parameter.',
          param: 'max_tokens',
          code: 'unsupported_parameter',
        },
      },
      'max_tokens',
      'max_completion_tokens',
    ],
    [
      { detail: [{ loc: ['body', 'stream_options'], msg: 'extra fields not permitted' }] },
      'stream_options',
      'stream',
    ],
  ])('is asked once more without it: %o', async (body, without, withField) => {
    const { log } = recordingLog();
    const done = await fixture('openai/done');
    const { error, text } = await ask(log, { status: 400, body }, done);
    expect(error).toBeUndefined();
    expect(text).toBe('done');
    expect(replay.requests).toHaveLength(2);
    expect(replay.requests[0]).toHaveProperty(without);
    expect(replay.requests[1]).not.toHaveProperty(without);
    expect(replay.requests[1]).toHaveProperty(withField);
  });

  it('that refuses either is told so, with its reason, and is not asked for ever', async () => {
    const body = { error: { message: 'max_tokens and max_completion_tokens are not supported' } };
    const { error } = await ask(recordingLog().log, { status: 400, body });
    expect(domainError(error)).toMatchObject({ code: 'MODEL_REFUSED' });
    expect(domainError(error).message).toContain('max_tokens');
    expect(replay.requests.length).toBeLessThan(6);
  });

  it('that finds the number too large is not asked again', async () => {
    const body = { error: { message: 'max_tokens is too large: 99. Invalid value.' } };
    const { error } = await ask(recordingLog().log, { status: 400, body });
    expect(domainError(error).code).toBe('MODEL_REFUSED');
    expect(replay.requests).toHaveLength(1);
  });
});
