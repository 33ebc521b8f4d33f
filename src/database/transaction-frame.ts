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

const frames = asyncStorage<Frame | undefined>();
let followed = 0;
/** How many want calls to be followed all the time. */
let always = 0;
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
 * the stack of an error, so a call can find out that the callback waits for it.
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
 * Makes {@link enterFrame} work on Node.js 20 and 22 as well, where every promise of the process costs more from now on.
 *
 * @returns what ends it
 */
export function followAlways(): () => void {
  always++;
  followed++;
  // Switches it on, and changes nothing.
  frames.enterWith(frames.getStore());
  return () => {
    always--;
    endFollowing();
  };
}

/**
 * Follows what the caller does after this, where the callback is called by somebody else. It must be called in the same
 * turn as the function that will call it, so that this is where the frame begins. On Node.js 20 and 22 it does nothing without
 * {@link followAlways}: there `enterWith()` reaches whatever runs in the same turn when no `AsyncLocalStorage` was on before,
 * and a call from outside the transaction would be taken for one from its callback.
 *
 * @returns the frame, for {@link leaveFrame}; undefined where nothing is followed
 */
export function enterFrame(): Frame | undefined {
  if (!FOLLOWS_CHEAPLY && always === 0) return undefined;
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

/** Whether the caller was called from the callback of a transaction; known only of one that is followed. */
export function isCalledFrom(id: number): boolean {
  if (followed === 0) return false;
  for (let frame = frames.getStore(); frame !== undefined; frame = frame.outer) {
    if (frame.id === id) return true;
  }
  return false;
}

/**
 * Whether the callback of a transaction waits for the caller. True only after the caller has awaited something itself: then
 * the stack lists those who await it, also through a promise of another kind, `Promise.all()` or an awaited query builder,
 * and not those who called it and went on. Costs a stack trace.
 */
export function isAwaitedBy(id: number): boolean {
  return transactionsInStack().has(id);
}

/** Ids of the transactions whose callbacks the caller was called from, as far as that is known. Costs a stack trace. */
export function enclosingTransactions(): Set<number> {
  const ids = transactionsInStack();
  if (followed === 0) return ids;
  for (let frame = frames.getStore(); frame !== undefined; frame = frame.outer) {
    if (frame.id !== undefined) ids.add(frame.id);
  }
  return ids;
}

function transactionsInStack(): Set<number> {
  const limit = Error.stackTraceLimit;
  Error.stackTraceLimit = 200;
  const { stack = '' } = new Error();
  Error.stackTraceLimit = limit;
  return new Set(Array.from(stack.matchAll(FRAME), (match) => Number(match[1])));
}

function endFollowing(): void {
  // While it is on, every promise of the process costs more (Node.js 20 and 22).
  if (--followed === 0) frames.disable();
}
