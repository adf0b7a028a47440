import type {
  ModelCall,
  ModelFinish,
  ModelProvider,
  ModelStreamOptions,
  ProviderSink,
} from '../../kernel/model.ts';
import { providerError } from '../providers/provider-error.ts';

/** How long a provider may take to end after its signal has aborted. */
const abortGraceMs = 1_000;

interface ProviderCall {
  provider: ModelProvider;
  call: ModelCall;
  options: ModelStreamOptions;
}

/** Takes the finish as soon as it comes: the response may end later. */
type FinishingSink = ProviderSink & { finish(finish: ModelFinish): void };

/**
 * Has the provider answer into the sink, and resolves when the response has ended. Rejects as the provider does, and
 * with MODEL_UNAVAILABLE when it ends without a finish. A provider that ignores its signal is left to itself a second
 * after the abort.
 */
export function callProvider(asked: ProviderCall, sink: FinishingSink): Promise<void> {
  const { provider, call, options } = asked;
  const work = provider.call
    ? provider.call(call, options, sink).then((finish) => sink.finish(finish))
    : readStream(asked, sink);
  return withGrace(options.signal, work);
}

async function readStream(
  { provider, call, options }: ProviderCall,
  sink: FinishingSink,
): Promise<void> {
  let finished = false;
  for await (const event of provider.stream(call, options)) {
    options.onActivity?.();
    if (event.type === 'text') sink.text(event.text);
    else if (event.type === 'thinking') sink.thinking(event.text);
    else if (event.type === 'citation') sink.citation(event.citation);
    else if (event.type === 'usage') sink.usage(event.usage, event.estimated);
    else if (event.type === 'start') sink.start(event.model, event.providerRequestId);
    else {
      finished = true;
      sink.finish(event);
    }
  }
  if (finished) return;
  throw providerError({ kind: 'broken_stream', provider: provider.name, model: call.model });
}

/** Settles as `work` does, but no later than a second after the signal aborts: then with its reason. */
async function withGrace(signal: AbortSignal, work: Promise<void>): Promise<void> {
  const late = Promise.withResolvers<never>();
  let timer: NodeJS.Timeout | undefined;
  const onAbort = () => {
    timer = setTimeout(() => late.reject(signal.reason), abortGraceMs);
  };
  signal.addEventListener('abort', onAbort, { once: true });
  if (signal.aborted) onAbort();
  try {
    await Promise.race([work, late.promise]);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', onAbort);
  }
}
