import { DomainError, type Issue } from '../../kernel/errors.ts';
import type { Message } from '../../kernel/model.ts';
import type { AnyPrompt } from '../../kernel/prompt.ts';
import type { Registered } from '../../kernel/registry/registry.ts';
import type { ResolvedPrompt } from '../prompt-resolver.ts';
import type { RenderedPrompt } from '../prompts.ts';
import { type ParsedTemplate, TemplateProblem } from './parse-template.ts';
import { readVariables } from './read-variables.ts';

const invalid = (name: string, issues: Issue[]): DomainError<'PROMPT_VARIABLES_INVALID'> =>
  new DomainError(
    'PROMPT_VARIABLES_INVALID',
    `The variables do not fit the prompt "${name}": ${issues
      .map(({ path, message }) => [path.join('.'), message].filter(Boolean).join(': '))
      .join('; ')}`,
    { details: { issues } },
  );

/** Rejects with PROMPT_VARIABLES_INVALID. Resolves with the variables as the schema makes them: defaults filled in. */
export async function parseVariables(
  prompt: AnyPrompt,
  given: unknown,
): Promise<Record<string, unknown>> {
  const { variables, issues } = await readVariables(prompt.variables, given ?? {});
  if (issues.length > 0) throw invalid(prompt.name, issues);
  return variables;
}

function renderText(
  name: string,
  template: ParsedTemplate,
  variables: Record<string, unknown>,
): string {
  try {
    return template.render(variables);
  } catch (error) {
    if (!(error instanceof TemplateProblem)) throw error;
    throw invalid(name, [{ path: error.variable, message: error.message }]);
  }
}

/** Few-shot examples as earlier turns, in the wording of the version that is called. */
async function exampleMessages(prompt: AnyPrompt, template: ParsedTemplate): Promise<Message[]> {
  const messages: Message[] = [];
  for (const example of prompt.examples ?? []) {
    const variables = await parseVariables(prompt, example.variables);
    const question = renderText(prompt.name, template, variables);
    const { answer } = example;
    const text = prompt.output ? JSON.stringify(answer) : String(answer);
    messages.push(
      { role: 'user', content: [{ type: 'text', text: question }] },
      { role: 'assistant', content: [{ type: 'text', text }] },
    );
  }
  return messages;
}

/** A version's examples do not depend on the call: rendered once for each parsed template. */
const renderedExamples = new WeakMap<ParsedTemplate, Promise<Message[]>>();

function examplesOf(prompt: AnyPrompt, template: ParsedTemplate): Promise<Message[]> {
  const known = renderedExamples.get(template) ?? exampleMessages(prompt, template);
  renderedExamples.set(template, known);
  return known;
}

/** About 4 bytes of UTF-8 a token in English, fewer elsewhere: 3.5 leans to the high side. A message costs 4 besides. */
export function estimateTokens(texts: readonly string[]): number {
  const bytes = texts.reduce((sum, text) => sum + Buffer.byteLength(text), 0);
  return Math.ceil(bytes / 3.5) + 4 * texts.length;
}

const textOf = (message: Message): string =>
  message.content.map((block) => (block.type === 'text' ? block.text : '')).join('');

/** Rejects with PROMPT_VARIABLES_INVALID, also when the template needs a variable that was left out. */
export async function renderPrompt(
  definition: Registered<AnyPrompt>,
  { version, assignment }: ResolvedPrompt,
  given: unknown,
): Promise<RenderedPrompt> {
  const variables = await parseVariables(definition, given);
  const text = renderText(definition.name, version.template, variables);
  const system = version.system ? renderText(definition.name, version.system, variables) : null;
  const examples = await examplesOf(definition, version.template);
  const messages: Message[] = [...examples, { role: 'user', content: [{ type: 'text', text }] }];
  const texts = [...(system === null ? [] : [system]), ...messages.map(textOf)];
  return {
    definition,
    version: version.record,
    assignment,
    system,
    messages,
    text,
    estimatedTokens: estimateTokens(texts),
  };
}
