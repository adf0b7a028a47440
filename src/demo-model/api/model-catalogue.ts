import type { ModelInfo, ModelLine } from '@anthropic-ai/sdk/resources/models';

interface CatalogueRow {
  id: string;
  name: string;
  line: ModelLine;
  /** ISO date of release; null when unknown (the API then answers the epoch). */
  released: string | null;
  contextWindow: number;
  maxOutput: number;
  deprecated?: { at: string; retires: string };
}

const MILLION = 1_000_000;

/** Claude models as of November 2026 (platform.claude.com model pages), newest first as the API lists them. */
const ROWS: readonly CatalogueRow[] = [
  row('claude-fable-5-2', 'fable', '2026-11-09'),
  row('claude-mythos-5-2', 'mythos', '2026-11-09'),
  row('claude-haiku-5-5', 'haiku', '2026-10-07'),
  row('claude-sonnet-5-5', 'sonnet', '2026-09-28'),
  row('claude-opus-5-5', 'opus', '2026-09-22'),
  row('claude-fable-5-1', 'fable', '2026-09-01'),
  row('claude-mythos-5-1', 'mythos', '2026-09-01'),
  row('claude-opus-5', 'opus', '2026-07-24'),
  row('claude-sonnet-5', 'sonnet', '2026-06-30'),
  row('claude-fable-5', 'fable', '2026-06-09'),
  row('claude-mythos-5', 'mythos', '2026-06-09'),
  row('claude-opus-4-8', 'opus', null),
  row('claude-opus-4-7', 'opus', '2026-04-16'),
  row('claude-sonnet-4-6', 'sonnet', null),
  row('claude-opus-4-6', 'opus', '2026-02-05'),
  ...withDatedId(
    row('claude-opus-4-5', 'opus', '2025-11-24', { contextWindow: 200_000, maxOutput: 64_000 }),
    '20251101',
  ),
  ...withDatedId(
    row('claude-haiku-4-5', 'haiku', '2025-10-15', { contextWindow: 200_000, maxOutput: 64_000 }),
    '20251001',
  ),
  ...withDatedId(
    row('claude-sonnet-4-5', 'sonnet', '2025-09-29', {
      contextWindow: 200_000,
      maxOutput: 64_000,
      deprecated: { at: '2026-05-30T00:00:00Z', retires: '2026-11-30T00:00:00Z' },
    }),
    '20250929',
  ),
];

const MODELS: ReadonlyMap<string, ModelInfo> = new Map(
  ROWS.map((entry) => [entry.id, modelInfo(entry)]),
);

/** Opus 5.5, Sonnet 5.5 and every Fable 5 answer 400 to `tool_choice` of type `any` or `tool`. */
const REFUSES_FORCED_TOOLS = /^claude-(?:opus-5-5|sonnet-5-5|fable-5)/;

/** Names that exist only here, for tests and keyless mode. */
const STAND_IN_NAME = /^(?:demo-|claude-mock)/;

export function listModels(): ModelInfo[] {
  return [...MODELS.values()];
}

/** A listed model, or one made up for a name beginning `demo-` or `claude-mock`; undefined when unknown. */
export function findModel(id: string): ModelInfo | undefined {
  const listed = MODELS.get(id);
  if (listed !== undefined || !STAND_IN_NAME.test(id)) return listed;
  return { ...modelInfo(row(id, 'haiku', null)), display_name: `Demo model (${id})`, line: null };
}

export function refusesForcedTools(model: string): boolean {
  return REFUSES_FORCED_TOOLS.test(model);
}

function row(
  id: string,
  line: ModelLine,
  released: string | null,
  rest: Partial<Pick<CatalogueRow, 'contextWindow' | 'maxOutput' | 'deprecated'>> = {},
): CatalogueRow {
  const [, family = id, ...version] = id.split('-');
  const name =
    `Claude ${family.charAt(0).toUpperCase()}${family.slice(1)} ${version.join('.')}`.trimEnd();
  return { id, name, line, released, contextWindow: MILLION, maxOutput: 128_000, ...rest };
}

function withDatedId(entry: CatalogueRow, date: string): CatalogueRow[] {
  return [entry, { ...entry, id: `${entry.id}-${date}` }];
}

function modelInfo(entry: CatalogueRow): ModelInfo {
  return {
    id: entry.id,
    capabilities: capabilities(!/-4-5(?:-\d{8})?$/.test(entry.id)),
    created_at: `${entry.released ?? '1970-01-01'}T00:00:00Z`,
    deprecated_at: entry.deprecated?.at ?? null,
    display_name: entry.name,
    lifecycle: entry.deprecated === undefined ? 'active' : 'deprecated',
    line: entry.line,
    max_input_tokens: entry.contextWindow,
    max_tokens: entry.maxOutput,
    retires_at: entry.deprecated?.retires ?? null,
    type: 'model',
  };
}

/** The 4.5 generation thinks by budget and has no effort dial; later ones think adaptively. */
function capabilities(adaptive: boolean): NonNullable<ModelInfo['capabilities']> {
  const yes = { supported: true };
  const no = { supported: false };
  const dial = { supported: adaptive };
  return {
    batch: yes,
    citations: yes,
    code_execution: no,
    context_management: {
      supported: false,
      clear_thinking_20251015: no,
      clear_tool_uses_20250919: no,
      compact_20260112: no,
    },
    effort: { supported: adaptive, low: dial, medium: dial, high: dial, xhigh: dial, max: dial },
    image_input: yes,
    pdf_input: yes,
    server_tools: { supported: false, code_execution: no, web_search: no },
    structured_outputs: yes,
    thinking: {
      supported: true,
      types: {
        adaptive: dial,
        between_tools: dial,
        disabled: yes,
        enabled: { supported: !adaptive },
      },
    },
  };
}
