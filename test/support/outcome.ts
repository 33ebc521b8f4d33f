import { DatabaseError } from '../../src/errors.js';

/** What a call was refused with; fails when it was not refused, or with something that is not of our error tree. */
export async function failure<T extends DatabaseError>(
  call: PromiseLike<unknown> | (() => unknown),
  type: abstract new (...args: never[]) => T = DatabaseError as never,
): Promise<T> {
  const error = await rejection(call);
  if (error instanceof type) return error;
  throw new Error(`expected a ${type.name}`, { cause: error });
}

/** What a call threw; fails when it did not. */
export async function rejection(call: PromiseLike<unknown> | (() => unknown)): Promise<unknown> {
  try {
    await (typeof call === 'function' ? call() : call);
  } catch (error) {
    return error;
  }
  throw new Error('expected the call to fail');
}

/** What something that must run at once threw; fails when it did not. */
export function thrownBy<T extends DatabaseError>(
  call: () => unknown,
  type: abstract new (...args: never[]) => T = DatabaseError as never,
): T {
  try {
    call();
  } catch (error) {
    if (error instanceof type) return error;
    throw new Error(`expected a ${type.name}`, { cause: error });
  }
  throw new Error('expected the call to throw');
}

/** All rows of a stream. */
export async function collect<T>(rows: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const row of rows) all.push(row);
  return all;
}
