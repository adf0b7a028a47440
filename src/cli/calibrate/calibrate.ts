import { CliError } from '../cli-error.ts';
import type { ApiClient } from '../create-api-client.ts';
import {
  CollectionSettingsDocument,
  RankedSourcesDocument,
  SetEmbedderWeightDocument,
} from '../operations/operations.generated.ts';
import type { Terminal } from '../terminal.ts';
import { type JudgedQuestion, readJudgedQuestions } from './judged-questions.ts';
import { mean, ndcg, standardError } from './ranking-metrics.ts';

export interface CalibrateOptions {
  client: ApiClient;
  terminal: Terminal;
  collection: string;
  apply?: boolean;
}

const weights = Array.from({ length: 11 }, (_, tenths) => tenths / 10);
/** Of nDCG. */
const depth = 10;
/** Several of these may be of one document. */
const passages = 40;

interface Setting {
  /** Null: as the collection is set. */
  weight: number | null;
  /** nDCG of each question. */
  scores: number[];
}

/**
 * Ranks judged questions with each weight of the collection's embedder, tells how well each did, and sets the best where
 * that is asked for.
 */
export async function calibrate(folder: string, options: CalibrateOptions): Promise<void> {
  const { terminal, collection } = options;
  const questions = await readJudgedQuestions(folder);
  if (questions.length === 0)
    throw new CliError(`No question in ${folder} has a document that is judged relevant.`);
  await checkCollection(options);
  const settings = await rankAll(questions, options);
  if (settings.every(({ scores }) => scores.every((score) => score === 0)))
    throw new CliError(
      `No judged document was found in "${collection}": the second column of qrels.tsv must be the documents' sources.`,
    );
  const best = tell(settings, questions.length, terminal);
  if (!options.apply) return terminal.print(`--apply sets ${best}.`);
  await setWeight(best, options);
  terminal.print(`"${collection}" has the weight ${best} now.`);
}

async function checkCollection({ client, collection }: CalibrateOptions): Promise<void> {
  const { collections } = await client.execute(CollectionSettingsDocument, {});
  if (collections.some(({ name }) => name === collection)) return;
  const known = collections.map(({ name }) => `"${name}"`).join(', ') || 'none yet';
  throw new CliError(`There is no collection "${collection}"; there are: ${known}.`);
}

/** Question by question, so that a hosted embedder embeds each once. */
async function rankAll(
  questions: readonly JudgedQuestion[],
  { client, terminal, collection }: CalibrateOptions,
): Promise<Setting[]> {
  const settings = [null, ...weights].map((weight): Setting => ({ weight, scores: [] }));
  for (const [index, { text: query, judged }] of questions.entries()) {
    terminal.show(`question ${index + 1} of ${questions.length}`);
    for (const { weight: embedderWeight, scores } of settings) {
      const { search } = await client.execute(RankedSourcesDocument, {
        input: { query, collection, topK: passages, embedderWeight },
      });
      const ranked = [...new Set(search.map(({ source }) => source))];
      scores.push(ndcg(ranked, judged, depth));
    }
  }
  terminal.clear();
  return settings;
}

/** The table; answers the best weight. Of equals, the smallest: words are what a person can see. */
function tell(settings: readonly Setting[], questions: number, terminal: Terminal): number {
  const [present, ...tried] = settings;
  const best = tried.reduce((one, other) => (mean(other.scores) > mean(one.scores) ? other : one));
  terminal.print(`weight  nDCG@${depth}`);
  for (const { weight, scores } of tried) {
    const note = weight === best.weight ? '  best' : '';
    terminal.print(`${weight!.toFixed(1)}     ${mean(scores).toFixed(4)}${note}`);
  }
  terminal.print(`now     ${mean(present!.scores).toFixed(4)}`);
  const gains = best.scores.map((score, index) => score - present!.scores[index]!);
  const [gain, error] = [mean(gains), standardError(gains)];
  const chance = gain <= 2 * error ? ': no more than chance; more questions would tell' : '';
  terminal.print(
    `${questions} questions: ${best.weight} gains ${gain.toFixed(4)} (± ${error.toFixed(4)})${chance}.`,
  );
  return best.weight!;
}

async function setWeight(weight: number, { client, collection }: CalibrateOptions): Promise<void> {
  const { updateCollection } = await client.execute(SetEmbedderWeightDocument, {
    collection,
    weight,
  });
  if ('message' in updateCollection) throw new CliError(updateCollection.message);
}
