import { z } from 'zod';
import { definePlugin, definePrompt } from '../src/tessera.ts';

const variables = z.object({ text: z.string() });
const text = z.string();
const texts = (...names: string[]) =>
  z.object(Object.fromEntries(names.map((name) => [name, z.string()])));

const outputs = {
  invoice: texts(
    ...['number', 'date', 'seller', 'buyer', 'address', 'item', 'quantity', 'price', 'tax'],
    ...['total', 'currency', 'due'],
  ),
  verdict: z.object({
    label: z.enum(['positive', 'negative', 'neutral']),
    rationale: text,
    confidence: z.number(),
    evidence: text,
  }),
  products: z.object({
    items: z
      .array(texts('name', 'brand', 'price', 'color', 'size', 'material'))
      .min(20)
      .max(20),
  }),
  ticket: texts(
    'title',
    'summary',
    'component',
    'severity',
    'steps',
    'expected',
    'actual',
    'owner',
  ),
  resume: z.object({
    name: text,
    headline: text,
    jobs: z.array(texts('employer', 'role', 'period', 'achievements')).min(4),
    schools: z.array(texts('school', 'degree', 'year', 'subject')).min(2),
  }),
  minutes: z.object({
    summary: text,
    decisions: z.array(texts('decision', 'reason')).min(4),
    tasks: z.array(texts('task', 'owner', 'due', 'context')).min(6),
    open: text,
  }),
  contract: texts('parties', 'term', 'fee', 'liability', 'law', 'notice', 'renewal', 'summary'),
  lesson: z.object({
    goal: text,
    outline: text,
    exercises: z.array(texts('question', 'answer', 'hint', 'level')).min(8),
    homework: text,
  }),
  travel: z.object({
    days: z.array(texts('morning', 'noon', 'evening', 'hotel')).min(7),
  }),
  review: texts('strengths', 'weaknesses', 'questions', 'recommendation'),
  glossary: z.object({ terms: z.array(texts('term', 'definition', 'example', 'source')).min(12) }),
  translation: texts('german', 'french', 'spanish', 'italian'),
};

export const selectionPrompts = Object.entries(outputs).map(([name, output]) => ({
  name,
  output,
  definition: definePrompt({
    name,
    description: `Measures ${name}.`,
    variables,
    output,
    template: '{{ text }}',
    maxTokens: 8_000,
    cache: false,
  }),
}));

export const selectionPlugin = definePlugin({
  name: 'selection-bench',
  version: '1.0.0',
  setup: () => ({ prompts: selectionPrompts.map(({ definition }) => definition) }),
})();
