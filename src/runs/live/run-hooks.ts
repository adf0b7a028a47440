import { DomainError, isDomainError } from '../../kernel/errors.ts';
import type { HookContext, Hooks, RegisteredHooks } from '../../kernel/hooks.ts';
import type { Log } from '../../kernel/log.ts';
import { boundedHook } from '../../kernel/timing/bounded-hook.ts';

type Observer = Exclude<keyof Hooks, 'beforeModelCall' | 'onAlert'>;
type Arguments<Name extends keyof Hooks> = Parameters<NonNullable<Hooks[Name]>>;

interface Listener {
  plugin: string;
  call(...args: unknown[]): unknown;
}

/** The hooks around runs, in the order given. */
export class RunHooks {
  readonly #registered: readonly RegisteredHooks[];
  readonly #log: Log;
  readonly #listeners = new Map<Observer, readonly Listener[]>();

  constructor(registered: readonly RegisteredHooks[], log: Log) {
    this.#registered = registered;
    this.#log = log;
  }

  /** Asks every gate; the first throw refuses the call. */
  async gate(call: Arguments<'beforeModelCall'>[0], context: HookContext): Promise<void> {
    for (const { plugin, hooks } of this.#registered) {
      try {
        await boundedHook(hooks.beforeModelCall?.(call, context));
      } catch (error) {
        if (isDomainError(error)) throw error;
        this.#log.warn({ err: error, plugin }, 'a plugin refused a model call');
        const what = `The plugin "${plugin}" refused this model call.`;
        throw new DomainError('MODEL_UNAVAILABLE', what, { retryable: false, cause: error });
      }
    }
  }

  /** Calls every observer. Never throws, and waits for none. */
  notify<Name extends Observer>(name: Name, ...args: Arguments<Name>): void {
    for (const { plugin, call } of this.#listenersOf(name)) {
      const failed = (error: unknown) =>
        this.#log.warn({ err: error, plugin, hook: name }, 'a plugin hook failed');
      try {
        const answer = call(...args);
        if (answer !== undefined) void boundedHook(answer).catch(failed);
      } catch (error) {
        failed(error);
      }
    }
  }

  /** Does anybody listen? Spares the work of notifying nobody. */
  listens(name: Observer): boolean {
    return this.#listenersOf(name).length > 0;
  }

  #listenersOf(name: Observer): readonly Listener[] {
    const known = this.#listeners.get(name);
    if (known) return known;
    const found = this.#registered.flatMap(({ plugin, hooks }) => {
      const hook = hooks[name] as Listener['call'] | undefined;
      return hook ? { plugin, call: hook.bind(hooks) } : [];
    });
    this.#listeners.set(name, found);
    return found;
  }
}
