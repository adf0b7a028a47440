import { selectedFields } from '../../kernel/output-selection.ts';
import type { ObjectFields } from '../builder.ts';
import { ofContent } from '../limits/access.ts';
import type { RunView } from '../runs/run-view.ts';

/** The registered prompt of a completion. */
const promptFields = (t: ObjectFields<RunView>) => ({
  variables: t.expose('variables', {
    type: 'JSON',
    nullable: true,
    authScopes: ofContent,
    description: 'Variables that a registered prompt was rendered with.',
  }),
  promptVersion: t.field({
    type: 'PromptVersion',
    nullable: true,
    description: 'The version of the registered prompt; null for other prompts.',
    resolve: ({ promptVersionId }, _args, { loaders }) =>
      promptVersionId === null ? null : loaders.promptVersion.load(promptVersionId),
  }),
  experiment: t.field({
    type: 'ExperimentAssignment',
    nullable: true,
    description: 'The variant of the running experiment; null if none decided.',
    resolve: async (run, _args, { loaders }) => {
      const { experimentId, variant, promptVersionId: versionId } = run;
      if (experimentId === null || variant === null || versionId === null) return null;
      const experiment = await loaders.experiment.load(experimentId);
      return experiment && { experimentId, experiment: experiment.name, variant, versionId };
    },
  }),
});

/** The fields that every completion has beside those of a run; a prompt's own type adds its typed `output`. */
export function completionFields(t: ObjectFields<RunView>) {
  return {
    text: t.exposeString('text', { description: 'The generated text.', authScopes: ofContent }),
    stopReason: t.exposeString('stopReason', {
      nullable: true,
      description: 'Why the model stopped, as the provider reports it: "end_turn", "max_tokens", …',
    }),
    cached: t.exposeBoolean('cached', {
      description: 'Served from the response cache: costs nothing and calls no model.',
    }),
    degraded: t.exposeBoolean('degraded', {
      description: 'Served by a fallback model or by the fallback text.',
    }),
    timeToFirstTokenMs: t.exposeFloat('timeToFirstTokenMs', {
      nullable: true,
      description: 'Milliseconds to the first token of the model.',
    }),
    outputFields: t.stringList({
      nullable: true,
      description: `Output fields that the model was asked for, with dots between levels; of a union, the member follows "=". Null if it was asked for the whole output, or the run is not of a prompt's own field.`,
      resolve: ({ outputSelection }) =>
        outputSelection === null || outputSelection === true
          ? null
          : selectedFields(outputSelection),
    }),
    ...promptFields(t),
  };
}
