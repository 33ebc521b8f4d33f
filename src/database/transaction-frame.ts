import { asyncStorage, nodeVersion } from '../runtime.js';
import type { ResolvedConfig } from '../config.js';

const PREFIX = 'tursoDialectTransaction_';
const FRAME = new RegExp(`${PREFIX}(\\d+)`, 'g');

/** A transaction whose callback runs. */
export interface Frame {
  /** Undefined while the transaction is begun. */
  id: number | undefined;
  readonly outer: Frame | undefined;
}

const frames = asyncStorage<Frame>();
let followed = 0;
let lastId = 0;

/** A number that no other transaction of this process has. */
export function nextTransactionId(): number {
  return ++lastId;
}

/**
 * Whether the calls from the callbacks of transactions are followed by `AsyncLocalStorage`, which misses none. On Node.js 20
 * and 22 every promise costs more while it is on (a point select in a transaction 12 %, docs/transactions.md), so there it
 * is on in memory, where the mistake stops everything, and at a server, where a call takes longer than that anyway.
 */
export function isFollowed({ detectMisuse, features }: ResolvedConfig): boolean {
  return detectMisuse ?? (FOLLOWS_CHEAPLY || features.connections === 'one' || features.reads === 'server');
}

/** Node.js from 24 keeps the context with each promise; what Bun and Deno do costs nothing that could be measured. */
const FOLLOWS_CHEAPLY = 'Bun' in globalThis || 'Deno' in globalThis || nodeVersion() >= 24;

/**
 * Calls a transaction's callback from a function whose name holds the transaction's id. V8 lists awaiting callers in
 * the stack of an error, so whoever is called from the callback can find out that it is, also after an `await`.
 *
 * @param follow - whether it is found out in every case, see {@link isFollowed}
 */
export async function runInFrame<T>(id: number, follow: boolean, callback: () => T | Promise<T>): Promise<T> {
  const run = async (): Promise<T> => await callback();
  Object.defineProperty(run, 'name', { value: PREFIX + id });
  if (!follow) return await run();
  followed++;
  try {
    return await frames.run({ id, outer: frames.getStore() }, run);
  } finally {
    endFollowing();
  }
}

/**
 * Follows what the caller does after this, where the callback is called by somebody else. It must be called in the same
 * turn as the function that will call it, so that this is where the frame begins. Does nothing on Node.js 20 and 22: there
 * `enterWith()` reaches whatever runs in the same turn when no `AsyncLocalStorage` was on before, and a call from outside the
 * transaction would be refused.
 *
 * @returns the frame, for {@link leaveFrame}; undefined where nothing is followed
 */
export function enterFrame(): Frame | undefined {
  if (!FOLLOWS_CHEAPLY) return undefined;
  const frame: Frame = { id: undefined, outer: frames.getStore() };
  followed++;
  frames.enterWith(frame);
  return frame;
}

/** Ends a frame; leaving it twice is fine. */
export function leaveFrame(frame: Frame & { left?: boolean }): void {
  if (frame.left) return;
  frame.left = true;
  frame.id = undefined;
  endFollowing();
}

/**
 * Ids of the transactions whose callbacks the caller was called from. Costs a stack trace, so it is asked only by
 * those who have to wait. The stack is blind where V8 is: behind a thenable such as an awaited query builder, a timer or
 * an event.
 */
export function enclosingTransactions(): Set<number> {
  const limit = Error.stackTraceLimit;
  Error.stackTraceLimit = 200;
  const { stack = '' } = new Error();
  Error.stackTraceLimit = limit;
  const ids = new Set(Array.from(stack.matchAll(FRAME), (match) => Number(match[1])));
  if (followed === 0) return ids;
  for (let frame = frames.getStore(); frame !== undefined; frame = frame.outer) {
    if (frame.id !== undefined) ids.add(frame.id);
  }
  return ids;
}

function endFollowing(): void {
  // While it is on, every promise of the process costs more (Node.js 20 and 22).
  if (--followed === 0) frames.disable();
}
