import { AsyncLocalStorage } from 'node:async_hooks';
import type { PluginParts } from '../plugin.ts';

const running = new AsyncLocalStorage<string>();

/** The plugin whose code runs now, or has started what runs now: a timer, a promise that nobody waits for. */
export const runningPlugin = (): string | undefined => running.getStore();

/** Runs a plugin's code under its name. */
export const runAsPlugin = <Result>(plugin: string, work: () => Result): Result =>
  running.run(plugin, work);

type Callable = (...args: never[]) => unknown;

/** The function, run under the plugin's name each time. Anything else, which nobody has checked yet, stays as it is. */
export function asPlugin<Given extends Callable>(plugin: string, call: Given): Given {
  if (typeof call !== 'function') return call;
  const run = function (this: unknown, ...args: Parameters<Given>) {
    return running.run(plugin, () => call.apply(this, args));
  };
  return run as unknown as Given;
}

/** The object with each of its functions run under the plugin's name; for `this` they are given the object itself. */
function withFunctionsAs<Part extends object>(plugin: string, part: Part): Part {
  return new Proxy(part, {
    get(target, key) {
      const value: unknown = Reflect.get(target, key, target);
      if (typeof value !== 'function') return value;
      return (...args: unknown[]): unknown =>
        running.run(plugin, () => Reflect.apply(value, target, args) as unknown);
    },
  });
}

/** The parts of a plugin, whose code then runs under the plugin's name wherever the server calls it. */
export function partsAs(plugin: string, parts: PluginParts): PluginParts {
  const { tools, hooks, embedders, rerankers, providers, close } = parts;
  return {
    ...parts,
    tools: tools?.map((tool) => ({
      ...tool,
      run: asPlugin(plugin, tool.run),
      needsApproval: asPlugin(plugin, tool.needsApproval as Callable) as typeof tool.needsApproval,
    })),
    hooks: hooks && withFunctionsAs(plugin, hooks),
    embedders: embedders?.map((embedder) => withFunctionsAs(plugin, embedder)),
    rerankers: rerankers?.map((reranker) => ({
      ...reranker,
      rerank: asPlugin(plugin, reranker.rerank),
    })),
    providers: providers?.map((provider) => withFunctionsAs(plugin, provider)),
    close: close && asPlugin(plugin, close),
  };
}
