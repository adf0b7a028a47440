/** What the embedder uses of `@huggingface/transformers` 4. */
export interface TransformersModule {
  pipeline(
    task: 'feature-extraction',
    model: string,
    options: { dtype: 'fp32' | 'fp16' | 'q8' | 'q4'; local_files_only: boolean },
  ): Promise<ExtractionPipeline>;
}

export interface ExtractionPipeline {
  (
    texts: string[],
    options: { pooling: 'mean' | 'cls'; normalize: boolean },
  ): Promise<{ tolist(): number[][] }>;
  dispose(): Promise<void>;
}
