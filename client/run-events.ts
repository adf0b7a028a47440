/** What the client itself reads of an event, whatever the operation selects. */
export interface ReadEvent {
  __typename: string;
  cursor: string;
  runId: string;
  text?: string;
  error?: { code?: string; message?: string; retryable?: boolean };
  run?: { output?: unknown };
}

type Named<Event, Name extends string> = Extract<Event, { __typename?: Name }>;

/** The type of `output` as the operation selects it: `... on RunFinished { run { ... on X { output } } }`. */
export type OutputOf<Event> =
  Named<Event, 'RunFinished'> extends { run: infer Run }
    ? Run extends { output?: infer Output }
      ? Output
      : unknown
    : unknown;

/** The type of `partial` as the operation selects it. */
export type PartialOf<Event> =
  Named<Event, 'OutputProgressed'> extends { partial?: infer Partial }
    ? NonNullable<Partial>
    : unknown;

export type FinishedOf<Event> =
  Named<Event, 'RunFinished'> extends never ? Event : Named<Event, 'RunFinished'>;
