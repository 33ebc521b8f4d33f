import { createRequire } from 'node:module';
import Database from 'libsql';

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
  /** The handle under the JavaScript object. */
  readonly stmt: object;
  /** Whether it gives columns. */
  readonly reader: boolean;
  /** Whether rows are arrays or objects. */
  raw(on: boolean): this;
  safeIntegers(on: boolean): this;
  run(args: readonly unknown[]): { changes: number; lastInsertRowid: number };
  get(args: readonly unknown[]): unknown[] | undefined;
  columns(): { name: string; type: string | null }[];
}

/** Handle of a running statement. */
export type NativeRows = object & { readonly __rows?: never };

/** Functions of the binding that its own JavaScript wraps in one call per row; each takes its handle as `this`. */
interface RowFunctions {
  statementRowsSync(this: object, args: readonly unknown[]): NativeRows;
  /** Runs the first step on another thread, on the same handle as all the rest. */
  statementRowsAsync(this: object, args: readonly unknown[]): Promise<NativeRows>;
  /** Fills the array from its start until it is full or the statement is done. */
  rowsNext(this: NativeRows, batch: unknown[]): void;
}

const { statementRowsSync, statementRowsAsync, rowsNext } = loadRowFunctions();

// The package's own declarations describe better-sqlite3; the interface above is what the binding really has.
const NativeDatabaseClass = Database as unknown as new (path: string) => NativeDatabase;

/** Opens a connection. The native busy timeout stays 0: waiting in native code would block the event loop. */
export function openNative(path: string): NativeDatabase {
  return new NativeDatabaseClass(path);
}

/** Runs a statement up to its first row. */
export function openRows(statement: NativeStatement, args: readonly unknown[]): NativeRows {
  return statementRowsSync.call(statement.stmt, args);
}

/** Runs a statement up to its first row on another thread. The connection must not be touched meanwhile. */
export function openRowsOffThread(statement: NativeStatement, args: readonly unknown[]): Promise<NativeRows> {
  return statementRowsAsync.call(statement.stmt, args);
}

/** Takes up to `size` rows. Fewer than `size` mean that the statement is done and reset. */
export function fetchRows(rows: NativeRows, size: number): unknown[][] {
  const batch = new Array<unknown>(size);
  rowsNext.call(rows, batch);
  let count = 0;
  while (count < size && batch[count] !== undefined) count++;
  batch.length = count;
  return batch as unknown[][];
}

/**
 * Ends an EXPLAIN that was read to its end. Its last step does not halt it, and as long as it counts as running no read
 * snapshot of its connection is given up (SQLite 3.45.1 in libsql 0.5.29); `get()` steps it anew and resets it.
 */
export function endExplain(statement: NativeStatement, args: readonly unknown[]): void {
  statement.get(args);
}

/** Loads the very binary that `libsql` 0.5 has loaded, found by that package's own rule. */
function loadRowFunctions(): RowFunctions {
  const requireAsLibsql = createRequire(createRequire(import.meta.url).resolve('libsql'));
  const { currentTarget } = requireAsLibsql('@neon-rs/load') as { currentTarget(): string };
  const { familySync, GLIBC, MUSL } = requireAsLibsql('detect-libc') as Record<'GLIBC' | 'MUSL', string> & {
    familySync(): string | null;
  };
  const family = familySync();
  let target = currentTarget();
  // Bun reports musl where it needs glibc; the loader does not tell the two apart on 32-bit ARM.
  if (family === GLIBC) target = target.replace(/^(linux-(?:x64|arm64))-musl$/, '$1-gnu');
  if (family === MUSL && target === 'linux-arm-gnueabihf') target = 'linux-arm-musleabihf';
  return requireAsLibsql(`@libsql/${target}`) as RowFunctions;
}
