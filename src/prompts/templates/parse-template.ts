import { Context, LiquidError, type Template as LiquidTemplate, toValueSync } from 'liquidjs';
import { messageOf } from '../../kernel/message-of.ts';
import { evaluateMetered } from './evaluate-metered.ts';
import {
  allowanceFor,
  MeteredEmitter,
  type RenderAllowance,
  RenderMeter,
  sizeOf,
} from './render-meter.ts';
import { templateLanguage } from './template-language.ts';
import { type VariableUse, variablesOf } from './template-variables.ts';

type Variables = Readonly<Record<string, unknown>>;

export interface ParsedTemplate {
  /** Everything it expects to be given, each place of each path. */
  uses: VariableUse[];
  /** Throws a `TemplateProblem`. Synchronous: the work of a rendering is bounded, by `allowanceFor` unless told. */
  render(variables: Variables, allowance?: RenderAllowance): string;
}

/** Why a template cannot be parsed, or not be rendered with these variables. */
export class TemplateProblem extends Error {
  override readonly name = 'TemplateProblem';
  /** The variable at fault, as a path; empty when it is none. */
  readonly variable: string[];

  constructor(message: string, variable: string[] = []) {
    super(message);
    this.variable = variable;
  }
}

const maximumDepth = 50;
const maximumLength = 100_000;

/** The variable that an output begins with: `{{ user.name | upcase }}` → user.name. */
function firstPath(text: string): string[] {
  const path = /^\{(?:\{-?|%-?\s*echo\s)\s*([A-Za-z_][\w-]*(?:\.[\w-]+)*)/.exec(text)?.[1];
  return path?.split('.') ?? [];
}

const tooDeep = 'the template is nested too deeply';
const isDeep = (error: unknown): boolean =>
  error instanceof RangeError && /call stack/.test(error.message);

function problemOf(error: unknown): TemplateProblem {
  if (error instanceof TemplateProblem) return error;
  if (!LiquidError.is(error)) {
    if (isDeep(error)) return new TemplateProblem(tooDeep);
    return new TemplateProblem(messageOf(error));
  }
  const [line] = error.token.getPosition();
  const cause = (error.originalError ?? error) as Error & { variableName?: string };
  if (isDeep(cause)) return new TemplateProblem(tooDeep);
  const where = `line ${line}: `;
  if (cause.variableName !== undefined) {
    return new TemplateProblem(
      `${where}"${cause.variableName}" is not there: guard it with {% if … %} or give it | default: "…"`,
      cause.variableName.split('.'),
    );
  }
  const message = cause.message.replace(/, line:\d+, col:\d+$/, '');
  return new TemplateProblem(where + message, firstPath(error.token.getText()));
}

/** The stack is for rendering: a template that just fits when it is checked must also fit when it is called. */
function assertDepth(templates: readonly LiquidTemplate[], depth = 1): void {
  if (depth > maximumDepth) throw new TemplateProblem(tooDeep);
  for (const template of templates) {
    if (template.children) assertDepth(toValueSync(template.children(false, true)), depth + 1);
  }
}

/**
 * Parses a prompt's template (Liquid, see `templateLanguage`) and lists the variables it takes.
 * Throws a `TemplateProblem` that names the line.
 */
export function parseTemplate(source: string): ParsedTemplate {
  try {
    if (source.length > maximumLength) {
      throw new TemplateProblem(`the template is longer than ${maximumLength} characters`);
    }
    const templates = templateLanguage.parse(source);
    assertDepth(templates);
    return {
      uses: variablesOf(templates),
      render: (variables, allowance = allowanceFor(sizeOf(variables))) =>
        render(templates, variables, new RenderMeter(allowance)),
    };
  } catch (error) {
    throw problemOf(error);
  }
}

function render(templates: LiquidTemplate[], variables: Variables, meter: RenderMeter): string {
  const limiter = meter.asLimiter();
  const context = new Context(
    variables,
    templateLanguage.options,
    { sync: true },
    {
      memoryLimit: limiter,
      renderLimit: limiter,
      liquid: templateLanguage,
    },
  );
  const emitter = new MeteredEmitter(meter);
  try {
    evaluateMetered(templateLanguage.renderer.renderTemplates(templates, context, emitter), meter);
    return emitter.buffer;
  } catch (error) {
    throw problemOf(error);
  }
}
