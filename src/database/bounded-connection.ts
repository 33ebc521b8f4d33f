import type { Connection, MaybePromise } from '../engine/engine.js';
import { Abort } from './abort.js';
import { runAbortable } from './abortable.js';
import type { Interrupts } from './interrupts.js';

/** What may wait for a server. A rollback bounds itself. */
const BOUNDED: ReadonlySet<PropertyKey> = new Set<keyof Connection>([
  ...(['execute', 'describe', 'control', 'batch', 'openCursor', 'begin', 'commit'] as const),
  ...(['savepoint', 'releaseSavepoint', 'rollbackToSavepoint'] as const),
]);

type Call = (...args: unknown[]) => MaybePromise<unknown>;

/**
 * The same connection for work of several calls, such as a migration: each call is stopped by `interrupts`, and after
 * `timeout` ms.
 */
export function boundedConnection(
  connection: Connection,
  timeout: number | undefined,
  interrupts: Interrupts,
): Connection {
  return new Proxy(connection, {
    get: (target, key) => {
      const value: unknown = Reflect.get(target, key, target);
      if (typeof value !== 'function') return value;
      if (!BOUNDED.has(key)) return value.bind(target);
      return (...args: unknown[]) =>
        runBounded(target, timeout, interrupts, () => (value as Call).apply(target, args));
    },
  });
}

async function runBounded<T>(
  connection: Connection,
  timeout: number | undefined,
  interrupts: Interrupts,
  run: () => MaybePromise<T>,
): Promise<T> {
  const stop = interrupts.begin();
  const limit = Abort.from({ timeout });
  const { abort = stop, forget } = Abort.either(limit, stop);
  try {
    return await runAbortable(connection, abort, run);
  } finally {
    interrupts.end(stop);
    forget();
    limit?.dispose();
  }
}
