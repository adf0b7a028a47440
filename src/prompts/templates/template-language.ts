import {
  AssignTag,
  CaptureTag,
  CaseTag,
  type Context,
  defaultOperators,
  type Emitter,
  evalToken,
  type FilterImplOptions,
  ForTag,
  Liquid,
  type Operators,
  filters as standardFilters,
  TypeGuards,
} from 'liquidjs';
import { MeteredEmitter, RenderMeter } from './render-meter.ts';

/** No partials or layouts (they read files), nothing that makes HTML, nothing that changes the variables. */
const allowedTags = new Set([
  'assign',
  'capture',
  'case',
  'comment',
  '#',
  'raw',
  'if',
  'unless',
  'for',
  'break',
  'continue',
  'echo',
  'liquid',
]);

/** Left out: what evaluates text as an expression (`where_exp` and its like), randomness, HTML and cryptography. */
const allowedFilters = [
  'append',
  'prepend',
  'downcase',
  'upcase',
  'capitalize',
  'strip',
  'lstrip',
  'rstrip',
  'strip_newlines',
  'squish',
  'normalize_whitespace',
  'remove',
  'remove_first',
  'remove_last',
  'replace',
  'replace_first',
  'replace_last',
  'split',
  'truncate',
  'truncatewords',
  'number_of_words',
  'slice',
  'size',
  'escape',
  'xml_escape',
  'array_to_sentence_string',
  'join',
  'first',
  'last',
  'reverse',
  'sort',
  'sort_natural',
  'map',
  'sum',
  'compact',
  'concat',
  'push',
  'unshift',
  'pop',
  'shift',
  'where',
  'reject',
  'group_by',
  'has',
  'find',
  'find_index',
  'uniq',
  'abs',
  'at_least',
  'at_most',
  'ceil',
  'divided_by',
  'floor',
  'minus',
  'modulo',
  'plus',
  'round',
  'times',
  'date',
  'date_to_xmlschema',
  'default',
  'json',
  'jsonify',
  'to_integer',
];

/** Filters that LiquidJS parses their first argument as a path for. */
const pathFilters = new Set(['where', 'reject', 'group_by', 'has', 'find', 'find_index']);
/** Filters that make something of nothing. */
const nothingFilters = new Set(['default', 'json', 'jsonify', 'compact', 'size']);
/** Filters that only look at the list itself, not into its entries. */
const shallowFilters = new Set([
  'size',
  'first',
  'last',
  'default',
  'map',
  'compact',
  'concat',
  'push',
  'unshift',
  'pop',
  'shift',
  'reverse',
  'slice',
  'uniq',
]);
/** What a filter costs beyond reading its input once: a comparison sort reads it about log n times. */
const factors: Record<string, number> = { sort: 20, sort_natural: 20, date: 10 };

type Handler = (this: { context: Context }, value: unknown, ...rest: unknown[]) => unknown;

function charge(context: Context, name: string, [value, ...rest]: readonly unknown[]): void {
  const meter = RenderMeter.of(context);
  meter.workOn(rest);
  if (shallowFilters.has(name) && Array.isArray(value)) meter.work(value.length);
  else for (let times = factors[name] ?? 1; times > 0; times--) meter.workOn(value);
}

function metered(name: string): FilterImplOptions {
  const standard = standardFilters[name];
  const handler = (typeof standard === 'function' ? standard : standard?.handler) as Handler;
  return function (this: { context: Context }, value: unknown, ...rest: unknown[]) {
    if ((value === null || value === undefined) && !nothingFilters.has(name)) {
      throw new Error(`there is nothing to apply ${name} to: put | default: "…" before it`);
    }
    if (pathFilters.has(name) && !/^[\w.-]+$/.test(String(rest[0]))) {
      throw new Error(`${name} takes the name of a property, not "${rest[0]}"`);
    }
    charge(this.context, name, [value, ...rest]);
    return handler.call(this, value, ...rest);
  } as FilterImplOptions;
}

function meteredOperators(): Operators {
  const operators: Operators = { ...defaultOperators };
  for (const name of ['==', '!=', '>', '<', '>=', '<=', 'contains']) {
    const compare = defaultOperators[name] as (l: unknown, r: unknown, context: Context) => boolean;
    operators[name] = (left: unknown, right: unknown, context: Context) => {
      const meter = RenderMeter.of(context);
      meter.workOn(left);
      meter.workOn(right);
      return compare(left, right, context);
    };
  }
  return operators;
}

class MeteredAssign extends AssignTag {
  override *render(context: Context): ReturnType<AssignTag['render']> {
    yield* super.render(context);
    // Whatever is made of a list later (a key, a number, a comparison) costs no more than its whole content.
    for (const { content } of this.localScope()) {
      RenderMeter.of(context).workOn(context.bottom()[content]);
    }
  }
}

class MeteredCapture extends CaptureTag {
  override *render(context: Context): Generator<unknown, void, string> {
    const emitter = new MeteredEmitter(RenderMeter.of(context));
    yield this.liquid.renderer.renderTemplates(this.templates, context, emitter);
    context.bottom()[this.variable] = emitter.buffer;
  }
}

class MeteredCase extends CaseTag {
  override *render(context: Context, emitter: Emitter): ReturnType<CaseTag['render']> {
    RenderMeter.of(context).workOn(yield this.value.value(context, true));
    yield* super.render(context, emitter);
  }
}

const entryCount = (collection: unknown): number => {
  if (Array.isArray(collection)) return collection.length;
  return typeof collection === 'object' && collection !== null ? Object.keys(collection).length : 1;
};

class MeteredFor extends ForTag {
  override *render(context: Context, emitter: Emitter): ReturnType<ForTag['render']> {
    // A range is on the meter already, and evaluating it twice would count it twice.
    if (!TypeGuards.isRangeToken(this.collection)) {
      const collection: unknown = yield evalToken(this.collection, context);
      RenderMeter.of(context).work(entryCount(collection));
    }
    return yield* super.render(context, emitter);
  }
}

function createLanguage(): Liquid {
  const liquid = new Liquid({
    strictVariables: true,
    strictFilters: true,
    lenientIf: true,
    ownPropertyOnly: true,
    operators: meteredOperators(),
    locale: 'en-US',
    timezoneOffset: 0,
    templates: {},
  });
  for (const tag of Object.keys(liquid.tags)) if (!allowedTags.has(tag)) delete liquid.tags[tag];
  for (const filter of Object.keys(liquid.filters)) delete liquid.filters[filter];
  for (const filter of allowedFilters) liquid.registerFilter(filter, metered(filter));
  liquid.registerTag('assign', MeteredAssign);
  liquid.registerTag('capture', MeteredCapture);
  liquid.registerTag('case', MeteredCase);
  liquid.registerTag('for', MeteredFor);
  return liquid;
}

/**
 * The language of prompt templates: Liquid without files, HTML, randomness and evaluation of text, the same on every
 * server (UTC, English dates). Templates are written by admins at run time and rendered in the server's own thread, so
 * everything a template does is counted by a `RenderMeter`.
 */
export const templateLanguage: Liquid = createLanguage();
