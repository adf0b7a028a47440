import type { Conversation } from './conversation.ts';
import type { LabelledText } from './label-choice.ts';

const FIELD =
  /^[ \t>*-]*(text|review|input|message|document|article|passage|content|tweet|comment|question|q)\s*:[ \t]*/gim;
const LABEL_LINE =
  /^[ \t>*-]*(label|sentiment|category|class|classification|output|answer|intent|topic|priority|a)\s*:[ \t]*(.*)$/im;

/**
 * The part of a prompt that the task is about, without the instruction around it: the last tagged element, the
 * last quoted block, the last `Text: …` field, or what follows the instruction's colon; else the whole.
 */
export function subjectOf(prompt: string): string {
  const tagged = lastElement(prompt);
  if (tagged !== undefined) return tagged.trim();
  const quoted = [...prompt.matchAll(/("""|```|''')\n?([\s\S]+?)\1/g)].at(-1)?.[2];
  if (quoted !== undefined) return quoted.trim();
  const field = fields(prompt).at(-1);
  if (field !== undefined && field.text !== '') return field.text;
  const afterInstruction = /^[^\n]{1,200}:\s*\n+([\s\S]{20,})$/.exec(prompt.trim())?.[1];
  const afterColon =
    /^(?:please\s+)?(?:summari[sz]e|classify|translate|rewrite|shorten)[^\n:]{0,120}:\s*([\s\S]+)$/i.exec(
      prompt.trim(),
    )?.[1];
  const afterBlank = /^[^\n]{1,300}\n\s*\n([\s\S]{40,})$/.exec(prompt.trim())?.[1];
  return (afterInstruction ?? afterColon ?? afterBlank ?? prompt).trim();
}

/** The question inside a prompt: the marked question, else the last line with a question mark, else everything but the passages. */
export function askedQuestion(prompt: string): string {
  const marked =
    /<(?:question|query)>([\s\S]+?)<\/(?:question|query)>/i.exec(prompt)?.[1] ??
    /^\s*(?:user question|question|query|q)\s*:\s*(.+)$/im.exec(prompt)?.[1];
  if (marked !== undefined) return marked.trim();
  const lines = prompt.split('\n').filter((line) => !/^\s*\[\d+\]/.test(line));
  return lines.findLast((line) => line.includes('?')) ?? lines.join('\n');
}

/** The content of the last `<name>…</name>`; by searching for its ends, since a lazy pattern takes quadratic time. */
function lastElement(prompt: string): string | undefined {
  const name = [...prompt.matchAll(/<\/([a-z][\w-]*)>/gi)].at(-1)?.[1];
  if (name === undefined) return undefined;
  const end = prompt.lastIndexOf(`</${name}>`);
  const start = prompt.lastIndexOf(`<${name}>`, end);
  return start < 0 ? undefined : prompt.slice(start + name.length + 2, end);
}

/** The few-shot examples of a conversation: earlier exchanges, and `Text: … / Label: …` pairs in its prompts. */
export function labelledExamples(conversation: Conversation): LabelledText[] {
  const exchanged = conversation.exchanges.map(({ user, assistant }) => ({
    text: subjectOf(user),
    label: assistant.trim(),
  }));
  const written = [conversation.system, conversation.question].flatMap((prompt) =>
    fields(prompt).flatMap(({ text, label }) => (label === undefined ? [] : [{ text, label }])),
  );
  return [...exchanged, ...written];
}

function fields(prompt: string): { text: string; label?: string }[] {
  const starts = [...prompt.matchAll(FIELD)];
  return starts.map((start, index) => {
    const body = prompt.slice(start.index + start[0].length, starts[index + 1]?.index);
    const label = LABEL_LINE.exec(body);
    if (label === null) return { text: body.trim() };
    const text = body.slice(0, label.index).trim();
    const value = (label[2] ?? '').trim();
    return value === '' ? { text } : { text, label: value };
  });
}
