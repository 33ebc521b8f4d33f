import type { MaybePromise } from '../engine/engine.js';
import { suppress } from '../errors.js';

/** Goes on with a value, at once where it is there at once. */
export function after<A, B>(value: MaybePromise<A>, go: (value: A) => MaybePromise<B>): MaybePromise<B> {
  return value instanceof Promise ? value.then(go) : go(value);
}

/** Runs what must follow a failure; what fails then is noted on that one. */
export async function cleanUpAfter(error: unknown, run: () => unknown): Promise<void> {
  try {
    await run();
  } catch (later) {
    suppress(error, later);
  }
}
