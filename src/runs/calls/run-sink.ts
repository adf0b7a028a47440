import type { ModelCitation, ModelSink } from '../../kernel/model.ts';
import type { LiveRun } from '../live/live-run.ts';
import type { OutputProgress } from '../output/output-progress.ts';

/** `heldBack`: the text may have to be replaced, and is not streamed. `silent`: nothing of the call shows in the run. */
type Mode = 'streamed' | 'heldBack' | 'silent';

/** Streams what a model says into its run's log. */
export class RunSink implements ModelSink {
  readonly #run: LiveRun;
  mode: Mode;
  /** `at`: the length of the text before the citation. Citations are dropped without it. */
  onCitation: ((citation: ModelCitation, at: number) => void) | null = null;
  /** Reports values of a structured output as they become whole, while its text is streamed. */
  progress: { prompt: string | null; output: OutputProgress } | null = null;
  /** All text so far, streamed or not. */
  said = '';

  constructor(run: LiveRun, mode: Mode = 'streamed') {
    this.#run = run;
    this.mode = mode;
  }

  /** The text that the run's readers have. */
  get streamed(): string {
    return this.mode === 'streamed' ? this.said : '';
  }

  start(model: string): void {
    if (this.mode !== 'silent') this.#run.record.model = model;
  }

  text(text: string): void {
    this.said += text;
    if (this.mode !== 'streamed') return;
    this.#run.append({ type: 'TextDelta', text });
    this.#reportProgress(text);
  }

  #reportProgress(text: string): void {
    if (!this.progress) return;
    const whole = this.progress.output.write(text);
    if (whole.length > 0) {
      this.#run.append({ type: 'OutputProgressed', prompt: this.progress.prompt, whole });
    }
  }

  thinking(text: string): void {
    if (this.mode !== 'silent') this.#run.append({ type: 'ThinkingDelta', text });
  }

  citation(citation: ModelCitation): void {
    this.onCitation?.(citation, this.said.length);
  }
}
