const PREFIX = 'tursoDialectTransaction_';
const FRAME = new RegExp(`${PREFIX}(\\d+)`, 'g');

let lastId = 0;

/** A number that no other transaction of this process has. */
export function nextTransactionId(): number {
  return ++lastId;
}

/**
 * Calls a transaction's callback from a function whose name holds the transaction's id. V8 lists awaiting callers in
 * the stack of an error, so whoever is called from the callback can find out that it is, also after an `await`.
 * `AsyncLocalStorage` would know it in every case, but doubles the cost of a query on Node 20 once it is used.
 */
export async function runInFrame<T>(id: number, callback: () => T | Promise<T>): Promise<T> {
  const run = async (): Promise<T> => await callback();
  Object.defineProperty(run, 'name', { value: PREFIX + id });
  return await run();
}

/**
 * Ids of the transactions whose callbacks the caller was called from. Costs a stack trace, so it is asked only by
 * those who have to wait. Blind where V8 is: behind a thenable such as an awaited query builder, a timer or an event.
 */
export function enclosingTransactions(): Set<number> {
  const limit = Error.stackTraceLimit;
  Error.stackTraceLimit = 200;
  const { stack = '' } = new Error();
  Error.stackTraceLimit = limit;
  return new Set(Array.from(stack.matchAll(FRAME), (match) => Number(match[1])));
}
