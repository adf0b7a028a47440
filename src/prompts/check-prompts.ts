import type { AnyPrompt } from '../kernel/prompt.ts';
import type { RegistryCheck } from '../kernel/registry/registry.ts';
import { checkWording } from './templates/check-wording.ts';
import { parseTemplate, TemplateProblem } from './templates/parse-template.ts';
import { readVariables } from './templates/read-variables.ts';

const pathOf = (path: readonly PropertyKey[]): string => path.map(String).join('.');

async function exampleProblems(prompt: AnyPrompt): Promise<string[]> {
  const template = parseTemplate(prompt.template);
  const problems: string[] = [];
  for (const [index, example] of (prompt.examples ?? []).entries()) {
    const where = `examples.${index}`;
    const { variables, issues } = await readVariables(prompt.variables, example.variables);
    const answer = await prompt.output?.safeParseAsync(example.answer);
    for (const issue of issues) {
      problems.push(`${where}.variables.${pathOf(issue.path)}: ${issue.message}`);
    }
    for (const issue of answer?.error?.issues ?? []) {
      problems.push(`${where}.answer ${pathOf(issue.path)}: ${issue.message}`);
    }
    if (!prompt.output && !String(example.answer).trim()) {
      problems.push(`${where}.answer: the answer is empty`);
    }
    if (issues.length === 0) {
      try {
        template.render(variables);
      } catch (error) {
        if (!(error instanceof TemplateProblem)) throw error;
        problems.push(`${where}: the template cannot be rendered with it: ${error.message}`);
      }
    }
  }
  return problems;
}

/**
 * The prompts room's start-up check: every plugin's wording parses, uses declared variables only and all of them,
 * renders with samples, and its few-shot examples are of its schemas.
 */
export const checkPrompts: RegistryCheck = async (registry) => {
  const lines: string[] = [];
  for (const prompt of registry.prompts.values()) {
    const { issues, unused } = checkWording(prompt, prompt as AnyPrompt & { system?: string });
    const problems = issues.map(({ path, message }) => `${path[0]}: ${message}`);
    for (const name of unused) {
      problems.push(
        `the variable "${name}" is declared but never used: use it in the template or take it out of variables`,
      );
    }
    if (issues.length === 0) problems.push(...(await exampleProblems(prompt)));
    lines.push(
      ...problems.map(
        (problem) => `plugin "${prompt.plugin}", prompt "${prompt.name}": ${problem}`,
      ),
    );
  }
  return lines;
};
