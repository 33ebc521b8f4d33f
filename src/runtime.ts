import type { AsyncLocalStorage } from 'node:async_hooks';
import type { Channel } from 'node:diagnostics_channel';

// Modules of Node are asked for by name and not imported, so that this package loads, and bundles, where there are none.

/** A module of Node.js; undefined where the runtime has none of that name. */
export function nodeModule(name: string): unknown {
  const { process } = globalThis as { process?: { getBuiltinModule?: (id: string) => unknown } };
  // Runtimes that lack a module throw or give undefined.
  try {
    return process?.getBuiltinModule?.(`node:${name}`);
  } catch {
    return undefined;
  }
}

/** What is used of a diagnostics channel. */
export type AnyChannel = Pick<Channel<unknown, unknown>, 'hasSubscribers' | 'publish'>;

/** A diagnostics channel; one that nobody hears where the runtime has none. */
export function channel(name: string): AnyChannel {
  const module = nodeModule('diagnostics_channel') as { channel(name: string): AnyChannel } | undefined;
  return module?.channel(name) ?? { hasSubscribers: false, publish: () => {} };
}

/** What is used of an AsyncLocalStorage. */
export type AnyStorage<T> = Pick<AsyncLocalStorage<T>, 'run' | 'getStore' | 'enterWith' | 'disable'>;

/** A store that follows asynchronous calls; one that is always empty where the runtime has none. */
export function asyncStorage<T>(): AnyStorage<T> {
  const module = nodeModule('async_hooks') as { AsyncLocalStorage: new () => AnyStorage<T> } | undefined;
  if (module === undefined) return new NoStorage();
  const storage = new module.AsyncLocalStorage();
  // Cloudflare's has the method and throws; it costs nothing there.
  if ('WebSocketPair' in globalThis) storage.disable = () => {};
  return storage;
}

class NoStorage<T> implements AnyStorage<T> {
  // oxlint-disable-next-line typescript/no-explicit-any -- as in the interface
  run(_store: T, callback: (...args: any[]) => any, ...args: unknown[]): any {
    return callback(...args);
  }

  getStore(): undefined {
    return undefined;
  }

  enterWith(): void {}

  disable(): void {}
}

/** Shows what has failed where nobody waits for it. */
export function warn(error: unknown): void {
  const { process } = globalThis as { process?: { emitWarning?: (warning: string | Error) => void } };
  const warning = error instanceof Error ? error : String(error);
  if (process?.emitWarning === undefined) globalThis.console.warn(warning);
  else process.emitWarning(warning);
}

/** Version of Node.js that the runtime says it is; 0 where it does not. */
export function nodeVersion(): number {
  const { process } = globalThis as { process?: { versions?: { node?: string } } };
  return Number(process?.versions?.node?.split('.')[0] ?? 0);
}

/**
 * Calls back when everybody else had a turn. Kept from those who replace the global one, such as fake timers in tests: no
 * statement may wait for them.
 */
export const later: (callback: () => void) => void =
  (globalThis as { setImmediate?: typeof setImmediate }).setImmediate ??
  ((callback) => void setTimeout(callback, 0));
