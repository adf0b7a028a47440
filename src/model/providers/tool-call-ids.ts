import { createHash, randomBytes } from 'node:crypto';

/** For a call that came without an id of its own. */
export const newToolCallId = (): string => `call_${randomBytes(12).toString('hex')}`;

/** What providers take as an id. */
const plain = /^[A-Za-z0-9_-]{1,40}$/;

/** What servers of Mistral's kind take. */
const short = /^[A-Za-z0-9]{9}$/;

/**
 * The ids of the tool calls of one conversation, as they are sent: other providers' ids become such as this one takes,
 * each once in the conversation, and results follow their calls. The same conversation gets the same ids, so that the
 * provider's prompt cache stays warm.
 */
export class ToolCallIds {
  readonly #isFit: RegExp;
  readonly #taken = new Set<string>();
  readonly #sent = new Map<string, string>();

  constructor(length: 'any' | 'short' = 'any') {
    this.#isFit = length === 'short' ? short : plain;
  }

  /** The id of a call that this provider made: it goes back as it came. */
  keep(id: string): void {
    this.#taken.add(id);
    this.#sent.set(id, id);
  }

  /** The id of a call that another provider made. */
  assign(id: string): string {
    let sent = id;
    for (let tried = 0; !this.#isFit.test(sent) || this.#taken.has(sent); tried += 1) {
      sent = createHash('sha256').update(`${tried}:${id}`).digest('hex').slice(0, 9);
    }
    this.#taken.add(sent);
    this.#sent.set(id, sent);
    return sent;
  }

  /** As the call with this id was sent last. */
  of(id: string): string {
    return this.#sent.get(id) ?? id;
  }
}
