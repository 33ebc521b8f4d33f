import type { Executor } from '../executor.js';
import { pragmaFunctions } from '../lazy.js';
import type { Pragmas } from './pragmas.js';

/** The functions of `pragmasOf()`, or, where those are not loaded yet, ones that load them when they are called. */
export function lazyPragmasOf(locate: () => Executor | Promise<Executor>): Pragmas {
  const { loaded } = pragmaFunctions;
  if (loaded !== undefined) return loaded.pragmasOf(locate);
  const call = async (name: string, args: unknown[]): Promise<unknown> => {
    const { pragmasOf } = await pragmaFunctions.load();
    const functions = pragmasOf(locate) as unknown as Record<string, (...args: unknown[]) => unknown>;
    return await (functions[name] as (...args: unknown[]) => unknown)(...args);
  };
  const made: Record<string, unknown> = {};
  return new Proxy(made, {
    // A promise would be taken for one by its `then`.
    get: (_, name) =>
      typeof name === 'symbol' || name === 'then'
        ? undefined
        : (made[name] ??= async (...args: unknown[]) => await call(name, args)),
  }) as unknown as Pragmas;
}
