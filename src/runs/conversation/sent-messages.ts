import type { Message } from '../../kernel/model.ts';
import type { LiveRun } from '../live/live-run.ts';
import type { RunServices } from '../run-services.ts';
import { eventsOf } from './called-turns.ts';
import { askedIn, type ExchangeRow } from './exchange.ts';
import { historyOf } from './history-of.ts';
import { type Exchange, readHistories } from './read-history.ts';
import { type Shortened, shortenedMessages } from './shortened-history.ts';

/**
 * What each run sent to the model, its own turns and the system prompt left out: the conversation before it, as much of it
 * as went along, and its own messages. Empty once the content is forgotten.
 */
export async function sentMessages(
  runIds: readonly string[],
  liveRun: (runId: string) => LiveRun | undefined,
  services: RunServices,
): Promise<Message[][]> {
  const { database, knowledge } = services;
  const chains = await readHistories(database, runIds, (hits, tokens) =>
    knowledge.pack(hits, tokens),
  );
  return Promise.all(
    runIds.map(async (runId, index) => {
      const live = liveRun(runId);
      if (live) return sentByLive(live, services);
      const self = chains[index]!.at(-1);
      return self ? sentAfter(chains[index]!.slice(0, -1), self) : [];
    }),
  );
}

async function sentByLive(run: LiveRun, services: RunServices): Promise<Message[]> {
  const { events } = run.log;
  const input = run.row.input as ExchangeRow['input'];
  const asked = askedIn({ id: run.id, input, text: '' }, events);
  const shortened = eventsOf(events, 'HistoryShortened').at(-1) ?? null;
  return sentAfter(await historyOf(run, services), { asked, shortened });
}

const sentAfter = (
  exchanges: readonly Exchange[],
  { asked, shortened }: { asked: Message[]; shortened: Shortened | null },
): Message[] => [
  ...shortenedMessages(exchanges, shortened ?? { runIds: [], summary: null }),
  ...asked,
];
