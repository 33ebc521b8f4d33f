import Database from 'libsql';
import PromiseDatabase from 'libsql/promise';

/**
 * The part of the `libsql` 0.5 binding that is used. Arguments are always ONE array of null, bigint, number, string
 * and Uint8Array: anything else (a boolean, a lone object, a view of another kind) can abort the process.
 */
export interface NativeDatabase {
  /** Aborts the process when asked after `close()`. */
  readonly inTransaction: boolean;
  prepare(sql: string): NativeStatement;
  /** Runs statements without results; unlike a prepared statement it leaves nothing behind when it meets a lock. */
  exec(sql: string): void;
  /** Aborts the process when called after `close()`. */
  interrupt(): void;
  close(): void;
}

/** A prepared statement; see {@link NativeDatabase} for what may be passed. */
export interface NativeStatement {
  /** Whether it gives columns. */
  readonly reader: boolean;
  raw(): this;
  safeIntegers(on: boolean): this;
  run(args: readonly unknown[]): { changes: number; lastInsertRowid: number };
  get(args: readonly unknown[]): unknown[] | undefined;
  iterate(args: readonly unknown[]): NativeRows;
  columns(): { name: string; type: string | null }[];
}

/** The binding's row iterator with the fields that its own `next()` works on. */
export interface NativeRows {
  nextRows: unknown[];
  nextRowIndex: number;
  next(): { done: boolean; value?: unknown };
}

// The package's own declarations describe better-sqlite3; the interfaces above are what the binding really has.
const NativeDatabaseClass = Database as unknown as new (path: string) => NativeDatabase;

const promisePrototype = PromiseDatabase.prototype as unknown as {
  prepare(this: NativeDatabase, sql: string): Promise<NativeStatement>;
};

/** Opens a connection. The native busy timeout stays 0: waiting in native code would block the event loop. */
export function openNative(path: string): NativeDatabase {
  return new NativeDatabaseClass(path);
}

type IterateOffThread = (this: NativeStatement, args: readonly unknown[]) => Promise<NativeRows>;

let iterateOffThread: IterateOffThread | undefined;

/**
 * Runs the first step of a statement on another thread. The promise flavour of the binding works on the same native
 * handles; its statement class is not exported, so it is taken from a statement that it made.
 */
export async function stepOffThread(
  database: NativeDatabase,
  statement: NativeStatement,
  args: readonly unknown[],
): Promise<NativeRows> {
  if (iterateOffThread === undefined) {
    const probe = await promisePrototype.prepare.call(database, 'select 1');
    iterateOffThread = (Object.getPrototypeOf(probe) as { iterate: IterateOffThread }).iterate;
  }
  return iterateOffThread.call(statement, args);
}

/**
 * Ends an EXPLAIN that was read to its end. Its last step does not halt it, and as long as it counts as running no read
 * snapshot of its connection is given up (SQLite 3.45.1 in libsql 0.5.29); `get()` steps it anew and resets it.
 */
export function endExplain(statement: NativeStatement, args: readonly unknown[]): void {
  statement.get(args);
}

/** The index at which the binding's iterator (libsql 0.5.29) refills `nextRows`. */
const REFILL = 100;

/**
 * Takes up to `size` rows in one native call instead of one JavaScript call per row. Fewer than `size` mean that the
 * statement is done and reset.
 */
export function fetchRows(rows: NativeRows, size: number): unknown[][] {
  const batch = new Array<unknown>(size);
  rows.nextRows = batch;
  rows.nextRowIndex = REFILL;
  const first = rows.next();
  if (first.done) return [];
  batch[0] = first.value;
  let count = 1;
  // The sync flavour leaves holes after the last row, the promise flavour null.
  while (count < size && batch[count] != null) count++;
  batch.length = count;
  return batch as unknown[][];
}
