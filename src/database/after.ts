import type { MaybePromise } from '../engine/engine.js';

/** Goes on with a value, at once where it is there at once. */
export function after<A, B>(value: MaybePromise<A>, go: (value: A) => MaybePromise<B>): MaybePromise<B> {
  return value instanceof Promise ? value.then(go) : go(value);
}
