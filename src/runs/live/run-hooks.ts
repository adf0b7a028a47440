import { boundedHook } from '../../kernel/bounded-hook.ts';
import { DomainError, isDomainError } from '../../kernel/errors.ts';
import type { HookContext, Hooks } from '../../kernel/hooks.ts';
import type { Log } from '../../kernel/log.ts';
import type { Registry } from '../../kernel/registry/registry.ts';

type Observer = Exclude<keyof Hooks, 'beforeModelCall' | 'onAlert'>;

export interface RunHooks {
  /** Asks every plugin's gate in the order of the plugin list; the first throw refuses the call. */
  gate(
    call: Parameters<NonNullable<Hooks['beforeModelCall']>>[0],
    context: HookContext,
  ): Promise<void>;
  /** Tells every plugin; never throws, never holds the run up. */
  tell<Name extends Observer>(name: Name, ...args: Parameters<NonNullable<Hooks[Name]>>): void;
  /** Does any plugin listen? Spares the work of telling nobody. */
  listens(name: Observer): boolean;
}

export function createRunHooks(registry: Registry, log: Log): RunHooks {
  return {
    async gate(call, context) {
      for (const { plugin, hooks } of registry.hooks) {
        try {
          await boundedHook(hooks.beforeModelCall?.(call, context));
        } catch (error) {
          if (isDomainError(error)) throw error;
          log.warn({ err: error, plugin }, 'a plugin refused a model call');
          throw new DomainError(
            'MODEL_UNAVAILABLE',
            `The plugin "${plugin}" refused this model call.`,
            {
              retryable: false,
              cause: error,
            },
          );
        }
      }
    },
    tell(name, ...args) {
      for (const { plugin, hooks } of registry.hooks) {
        const hook = hooks[name] as ((...args: unknown[]) => unknown) | undefined;
        if (!hook) continue;
        void (async () => boundedHook(hook.apply(hooks, args)))().catch((error: unknown) =>
          log.warn({ err: error, plugin, hook: name }, 'a plugin hook failed'),
        );
      }
    },
    listens: (name) => registry.hooks.some(({ hooks }) => hooks[name] !== undefined),
  };
}
