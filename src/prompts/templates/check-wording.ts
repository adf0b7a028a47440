import type { Issue } from '../../kernel/errors.ts';
import type { AnyPrompt } from '../../kernel/prompt.ts';
import { type ParsedTemplate, parseTemplate, TemplateProblem } from './parse-template.ts';
import { sampleVariables } from './sample-variables.ts';
import { lineOf } from './template-variables.ts';
import { whereItEnds } from './variables-schema.ts';

export interface Wording {
  template: string;
  system?: string | null;
}

const listed = (names: readonly string[]): string => names.join(', ') || 'none';

/** Who has made more mistakes than these reads no further. */
const maxIssues = 50;

/** Uses of variables that the prompt does not declare, once for each path. */
function undeclared(field: string, parsed: ParsedTemplate, prompt: AnyPrompt): Issue[] {
  const issues = new Map<string, Issue>();
  for (const use of parsed.uses) {
    if (issues.size === maxIssues) break;
    const end = whereItEnds(prompt.variables, use.path);
    const path = use.path.map(String);
    if (end === null || issues.has(path.join('.'))) continue;
    const name = path.slice(0, end + 1).join('.');
    const known =
      end === 0
        ? `it declares: ${listed(Object.keys(prompt.variables.shape))}`
        : `see the schema of "${path.slice(0, end).join('.')}"`;
    const message = `line ${lineOf(use)}: the prompt declares no variable "${name}" (${known})`;
    issues.set(path.join('.'), { path: [field, ...path], message });
  }
  return [...issues.values()];
}

/** Renders with samples: what is optional must be guarded, what is printed must be printable. */
function unrenderable(field: string, parsed: ParsedTemplate, prompt: AnyPrompt): Issue[] {
  for (const sample of sampleVariables(prompt.variables)) {
    try {
      parsed.render(sample);
    } catch (error) {
      if (!(error instanceof TemplateProblem)) throw error;
      return [{ path: [field, ...error.variable], message: error.message }];
    }
  }
  return [];
}

function checkText(field: string, source: string, prompt: AnyPrompt): CheckedText {
  try {
    const parsed = parseTemplate(source);
    const issues = undeclared(field, parsed, prompt);
    const used = parsed.uses.map((use) => String(use.path[0]));
    return { used, issues: issues.length > 0 ? issues : unrenderable(field, parsed, prompt) };
  } catch (error) {
    if (!(error instanceof TemplateProblem)) throw error;
    return { used: null, issues: [{ path: [field], message: error.message }] };
  }
}

interface CheckedText {
  /** Null when it does not parse. */
  used: string[] | null;
  issues: Issue[];
}

/**
 * Holds a wording against the prompt's contract: both texts parse, take only declared variables, and render with
 * samples of the schema, also when everything optional is left out. `unused` are declared variables that neither takes.
 */
export function checkWording(
  prompt: AnyPrompt,
  wording: Wording,
): { issues: Issue[]; unused: string[] } {
  const checked = [checkText('template', wording.template, prompt)];
  if (wording.template.trim() === '') {
    checked.push({ used: [], issues: [{ path: ['template'], message: 'the template is empty' }] });
  }
  if (wording.system) checked.push(checkText('system', wording.system, prompt));
  const used = new Set(checked.flatMap((text) => text.used ?? []));
  const parses = checked.every((text) => text.used !== null);
  return {
    issues: checked.flatMap((text) => text.issues),
    unused: parses ? Object.keys(prompt.variables.shape).filter((name) => !used.has(name)) : [],
  };
}
