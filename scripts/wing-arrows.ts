/**
 * The wings of each room (its folders) and what a wing may import of its room's other wings. Files that lie in the room
 * itself are its contract and its composition: they and any wing may import each other.
 */
export const wingArrows: Record<string, Record<string, readonly string[]>> = {
  kernel: { access: [], json: [], registry: [], timing: [], tools: ['timing'] },
  data: { embedded: [], postgres: ['embedded'] },
  'demo-model': {
    billing: [],
    faults: ['billing'],
    replies: ['billing', 'faults'],
    api: ['billing', 'faults', 'replies'],
  },
  model: { cache: [], prices: [], providers: [], attempts: ['providers'] },
  prompts: { templates: [], experiments: [] },
  knowledge: {
    terms: [],
    embedders: ['terms'],
    ingest: ['terms'],
    latent: ['terms'],
    citations: ['ingest', 'terms'],
    collections: ['ingest', 'terms'],
    search: ['collections', 'latent', 'terms'],
  },
  ledger: { alerts: [], statistics: [], usage: [], holds: ['alerts', 'usage'] },
  runs: {
    log: [],
    output: [],
    tools: [],
    live: ['log'],
    limits: ['live'],
    listing: ['log'],
    reading: ['live', 'log'],
    calls: ['live', 'output'],
    conversation: ['calls', 'listing', 'live', 'log', 'reading'],
    agent: ['calls', 'conversation', 'live', 'log', 'reading', 'tools'],
    servers: ['agent', 'conversation', 'live', 'log', 'reading'],
    starts: ['agent', 'conversation', 'limits', 'live', 'log', 'reading', 'servers'],
  },
  schema: {
    zod: [],
    limits: [],
    results: ['limits'],
    server: ['limits', 'results', 'zod'],
    knowledge: ['limits', 'results'],
    runs: ['knowledge', 'limits', 'results'],
    completions: ['limits', 'results', 'runs', 'zod'],
    costs: ['completions', 'limits', 'results'],
    prompts: ['costs', 'limits', 'results', 'zod'],
  },
  transport: {
    http: [],
    graphql: ['http'],
    pages: ['http'],
    mcp: ['graphql', 'http'],
    websocket: ['graphql', 'http'],
  },
  cli: {
    operations: [],
    calibrate: ['operations'],
    ingest: ['operations'],
    prompts: ['operations'],
  },
};

/** Rooms whose wings know nothing of each other, whatever they are called. */
export const roomsOfStrangers: readonly string[] = ['plugins'];
