import type { InputFieldMap, ObjectRef } from '@pothos/core';
import type { GraphQLResolveInfo } from 'graphql';
import { DomainError } from '../../kernel/errors.ts';
import type { OutputSelection } from '../../kernel/output-selection.ts';
import { camelCase, pascalCase } from '../../kernel/registry/names.ts';
import type { NamedPrompt } from '../../prompts/prompts.ts';
import type { CompletionRequest, RunHandle, RunOptions, RunRecord } from '../../runs/runs.ts';
import type { Arguments, Builder, InputFields, Types } from '../builder.ts';
import type { GraphQLContext } from '../context.ts';
import { ofContent } from '../limits/access.ts';
import { errorAsResult, runAsResult } from '../results/as-result.ts';
import { ErrorData, errorTypeName } from '../results/error-data.ts';
import { completionCodes } from '../runs/completion-codes.ts';
import { runInterfaces } from '../runs/run-interfaces.ts';
import { currentRun, declareRunOperation } from '../runs/run-operation.ts';
import { completionTypeOf, type RunView } from '../runs/run-view.ts';
import { askedOutput } from '../zod/asked-output.ts';
import { toZodInput } from '../zod/input-value.ts';
import type { ShapeTypes } from '../zod/shape-to-types.ts';
import { completionFields } from './completion-fields.ts';
import { defers, growingCompletion } from './growing-completion.ts';
import type { PromptShape } from './prompt-shapes.ts';
import { readSelection } from './read-selection.ts';

interface FieldArguments {
  variables?: unknown;
  options?: RunOptions | null;
}

type CompletionRef = ObjectRef<Types, RunView>;

/** One prompt's part of the schema: `classify_sentiment` is the field `classifySentiment`. */
export class PromptField {
  /** Of the mutation, the subscription and the field of `PromptInput`. */
  readonly name: string;
  readonly #shape: PromptShape;
  readonly #types: ShapeTypes;
  readonly #typeName: string;

  constructor(shape: PromptShape, types: ShapeTypes) {
    this.#shape = shape;
    this.#types = types;
    this.name = camelCase(shape.prompt.name);
    this.#typeName = pascalCase(shape.prompt.name);
  }

  /** `Boolean`, to be set to true, for a prompt that takes no variables. */
  inputField(t: InputFields) {
    const { variables, prompt } = this.#shape;
    const type = variables ? this.#types.inputType(variables.shape) : 'Boolean';
    return t.field({ type, description: prompt.description });
  }

  named(variables: unknown): NamedPrompt {
    const { prompt, variables: slot } = this.#shape;
    return { name: prompt.name, variables: slot ? toZodInput(slot, variables) : {} };
  }

  declare(builder: Builder): void {
    const { variables, output } = this.#shape;
    if (variables) this.#types.declareInputs(variables.shape);
    if (output) this.#types.declareOutputs(output.shape);
    this.#declareOperation(builder, this.#declareCompletion(builder));
  }

  #declareCompletion(builder: Builder): CompletionRef {
    const { output, prompt } = this.#shape;
    return builder.objectRef<RunView>(completionTypeOf(prompt.name)).implement({
      description: `A completion of the prompt "${prompt.name}".`,
      interfaces: runInterfaces(builder),
      fields: (t) => ({
        ...completionFields(t),
        output: output
          ? t.field({
              type: this.#types.outputType(output.shape),
              nullable: output.nullable || output.optional,
              description: 'The output, typed by the prompt.',
              authScopes: ofContent,
              // The run keeps what the prompt's schema gave, which TypeScript cannot know.
              resolve: (run) => askedOutput(run.output, run.outputSelection) as never,
            })
          : t.expose('output', {
              type: 'JSON',
              nullable: true,
              description: 'Null: the prompt declares no output schema.',
              authScopes: ofContent,
            }),
      }),
    });
  }

  #declareOperation(builder: Builder, completion: CompletionRef): void {
    const { description } = this.#shape.prompt;
    const result = builder.unionType(`${this.#typeName}Result`, {
      description: `${completion.name}, or an error that a caller can act on.`,
      types: [completion, ...completionCodes.map((code) => errorTypeName(code))],
      resolveType: (value) =>
        value instanceof ErrorData ? errorTypeName(value.code) : completion.name,
    });
    declareRunOperation(builder, {
      mutation: { name: this.name, description },
      subscription: { name: this.name, description },
      result,
      codes: completionCodes,
      args: (arg) => this.#arguments(arg),
      completion: (args: FieldArguments, info) => this.#request(args, info),
      start: (args: FieldArguments, runs, { caller, info }) =>
        runs.complete(this.#request(args, info), caller),
      toResult: (run) => this.#result(run),
      viewRun: (run) => this.#view(run),
      early: (run, request) => this.#early(run, request),
    });
  }

  #arguments(arg: Arguments): InputFieldMap {
    const { variables } = this.#shape;
    const options = arg({ type: 'RunOptions', description: 'Options of the run.' });
    if (!variables) return { options };
    return {
      variables: arg({
        type: this.#types.inputType(variables.shape),
        required: true,
        description: 'Variables of the prompt.',
      }),
      options,
    };
  }

  #request({ variables, options }: FieldArguments, info: GraphQLResolveInfo): CompletionRequest {
    const prompt = { named: this.named(variables) };
    return { prompt, options, outputSelection: this.#selection(info) };
  }

  /** Output fields that the operation selects. An operation that selects none reads the text, so the whole output is asked for. */
  #selection(info: GraphQLResolveInfo): OutputSelection {
    const { output, prompt } = this.#shape;
    if (!output) return true;
    const completionType = completionTypeOf(prompt.name);
    return readSelection(info, { completionType, shape: output.shape }) ?? true;
  }

  /** Has the run what the type promises? The fallback text may stand where an output should. */
  #isTyped({ output }: RunRecord): boolean {
    const slot = this.#shape.output;
    return !slot || slot.nullable || slot.optional || output != null;
  }

  #view(run: RunRecord): RunView {
    const completionType = completionTypeOf(this.#shape.prompt.name);
    return this.#isTyped(run) ? { ...run, completionType } : run;
  }

  /** Parts of the output that are deferred are delivered as they become whole. */
  async #early(
    { handle, ended }: { handle: RunHandle; ended: Promise<RunRecord> },
    { context, info }: { context: GraphQLContext; info: GraphQLResolveInfo },
  ): Promise<RunView | null> {
    const { output, prompt } = this.#shape;
    if (output?.shape.kind !== 'object' || !defers(info)) return null;
    return growingCompletion({
      handle,
      ended,
      current: () => currentRun(handle, context),
      completionType: completionTypeOf(prompt.name),
    });
  }

  #result(run: RunRecord): RunRecord | ErrorData {
    const result = runAsResult(completionCodes, run);
    if (result instanceof ErrorData || this.#isTyped(result)) return result;
    const message = 'The answer is the fallback text, which is not of the prompt’s output schema.';
    const issues = [{ path: [], message: 'is missing' }];
    const details = { text: run.text, issues };
    return errorAsResult(
      completionCodes,
      new DomainError('OUTPUT_INVALID', message, { details }),
      run.id,
    );
  }
}
