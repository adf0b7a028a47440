import type { Page, PageRequest } from '../../kernel/page.ts';
import type { RunRecord } from '../runs.ts';

/** Runs that continue one another. What was said in them stands in their logs, and nowhere else. */
export interface ConversationRecord {
  id: string;
  userId: string;
  title: string | null;
  tags: readonly string[];
  createdAt: Date;
  /** When its newest run began. */
  updatedAt: Date;
}

/** What the conversations of a list have in common. What is left out, or null, is not asked. */
export interface ConversationFilter {
  userId?: string | null;
  /** Conversations that have all of them. */
  tags?: readonly string[] | null;
  /** Words that all stand in its title, or in what one of its runs was asked or answered. */
  text?: string | null;
  /** Not included. */
  updatedAfter?: Date | null;
}

export interface ConversationChange {
  /** Null takes the title away; left out, it stays. */
  title?: string | null;
  /** Left out, or null, they stay. */
  tags?: readonly string[] | null;
}

export interface Conversations {
  /** The one whose newest run began last first. Throws `InvalidInputError` for a bad cursor, page size or text. */
  list(request: PageRequest & { filter: ConversationFilter }): Promise<Page<ConversationRecord>>;
  /** By id, in the order asked; null where there is none. */
  byId(ids: readonly string[]): Promise<(ConversationRecord | null)[]>;
  /** Its runs, oldest first, all branches. Throws `InvalidInputError` for a bad cursor or page size. */
  runs(id: string, request: PageRequest): Promise<Page<RunRecord>>;
  /** The run that a further message of each continues. */
  heads(ids: readonly string[]): Promise<(RunRecord | null)[]>;
  /** Every run of each, those of sub-agents and of the title included. */
  runIds(ids: readonly string[]): Promise<string[][]>;
  update(id: string, change: ConversationChange): Promise<ConversationRecord | null>;
}
