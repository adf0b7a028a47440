import { stat } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import type { Embedder } from '../../kernel/embedder.ts';
import { DomainError } from '../../kernel/errors.ts';
import type { Log } from '../../kernel/log.ts';
import { definePlugin } from '../../kernel/plugin.ts';
import type { ExtractionPipeline, TransformersModule } from './transformers-module.ts';

const textsPerBatch = 16;

const options = z.object({
  /** Loads the library, which is not part of Tessera: `() => import('@huggingface/transformers')`. */
  transformers: z.custom<() => Promise<TransformersModule>>(
    (value) => typeof value === 'function',
    "must be () => import('@huggingface/transformers'), of a package that you have installed",
  ),
  /** A folder with `config.json`, `tokenizer.json` and `onnx/model.onnx`; else a model's name on the Hugging Face hub. */
  model: z.string().min(1),
  /** How the vectors of tokens become one: as the model's card says. */
  pooling: z.enum(['mean', 'cls']).default('mean'),
  /** Which of the model's files: "fp32" is `model.onnx`, "q8" `model_quantized.onnx`. */
  dtype: z.enum(['fp32', 'fp16', 'q8', 'q4']).default('fp32'),
  /** What the model wants before each text: "query: " and "passage: " for e5. */
  prefixes: z.object({ query: z.string(), document: z.string() }).optional(),
  /** What its score counts beside keywords. */
  weight: z.number().min(0).max(1).default(0.5),
});

type Options = z.output<typeof options>;

/**
 * A sentence embedding model in this process, on its processor: nothing is billed, nothing leaves the machine. The
 * embedder is named `local/MODEL`, after the folder or the model.
 */
export const onnxEmbedder = definePlugin({
  name: 'onnx-embedder',
  version: '1.0.0',
  description: 'Embeds with an ONNX model on this machine.',
  options,
  setup: async (chosen, { log }) => {
    const extract = await loadPipeline(chosen);
    return {
      embedders: [await createEmbedder(extract, chosen, log)],
      close: () => extract.dispose(),
    };
  },
});

async function loadPipeline({ transformers, model, dtype }: Options): Promise<ExtractionPipeline> {
  const { pipeline } = await transformers();
  const folder = path.resolve(model);
  const isFolder = await stat(folder).then(
    (found) => found.isDirectory(),
    () => false,
  );
  return pipeline('feature-extraction', isFolder ? folder : model, {
    dtype,
    local_files_only: isFolder,
  });
}

async function createEmbedder(
  extract: ExtractionPipeline,
  { model, pooling, prefixes, weight }: Options,
  log: Log,
): Promise<Embedder> {
  const vectorsOf = async (texts: string[]): Promise<number[][]> =>
    (await extract(texts, { pooling, normalize: true })).tolist();
  const [sample] = await vectorsOf(['dimensions']);
  const { length: dimensions } = sample!;
  const name = `local/${path.basename(path.resolve(model))}`;
  return {
    name,
    dimensions,
    weight,
    async embed(texts, { purpose, signal }) {
      const vectors = texts.map(() => new Array<number>(dimensions).fill(0));
      const filled = texts.flatMap((text, index) => (text.trim() === '' ? [] : [index]));
      for (let from = 0; from < filled.length; from += textsPerBatch) {
        signal?.throwIfAborted();
        const batch = filled.slice(from, from + textsPerBatch);
        const asked = batch.map((index) => `${prefixes?.[purpose] ?? ''}${texts[index]}`);
        const found = await vectorsOf(asked).catch((error: unknown) => {
          log.error({ err: error, embedder: name }, 'the local model failed');
          throw new DomainError(
            'EMBEDDING_UNAVAILABLE',
            `The local model ${name} failed: see the server's log.`,
            { cause: error, retryable: false },
          );
        });
        for (const [at, index] of batch.entries()) vectors[index] = found[at]!;
      }
      return { vectors, billedTokens: 0 };
    },
  };
}
