import { createRequire } from 'node:module';

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
  /** Loads a library into this connection. Any second argument aborts the process, as U+0000 in the path does. */
  loadExtension(path: string): void;
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
  columns(): {
    readonly name: string;
    readonly type: string | null;
    readonly table: string | null;
    readonly column: string | null;
    readonly database: string | null;
  }[];
}

/** Handle of a running statement. */
export type NativeRows = object & { readonly __rows?: never };

/**
 * Functions of the binding that its own JavaScript wraps in one call per row, or not at all; each takes its handle as
 * `this`.
 */
interface BindingFunctions {
  statementRowsSync(this: object, args: readonly unknown[]): NativeRows;
  /** Runs the first step on another thread, on the same handle as all the rest. */
  statementRowsAsync(this: object, args: readonly unknown[]): Promise<NativeRows>;
  /** Runs statements without results on another thread, with the native database as `this`. */
  databaseExecAsync(this: object, sql: string): Promise<void>;
  /** Syncs a replica on another thread, with the native database as `this`. */
  databaseSyncAsync(this: object): Promise<{ frames_synced: number; frame_no?: number }>;
  /** Fills the array from its start until it is full or the statement is done. */
  rowsNext(this: NativeRows, batch: unknown[]): void;
}

const NativeDatabaseClass = requireQuietly() as new (path: string, options: object) => NativeDatabase;

const { statementRowsSync, statementRowsAsync, rowsNext, databaseExecAsync, databaseSyncAsync } =
  loadFunctions();

/**
 * Opens a connection. The native busy timeout stays 0: waiting in native code would block the event loop.
 *
 * @param encryptionKey - of a file that is encrypted
 */
export function openNative(path: string, encryptionKey?: string): NativeDatabase {
  return new NativeDatabaseClass(path, { encryptionKey });
}

/** As {@link NativeDatabase.exec}, on another thread. The connection must not be touched meanwhile. */
export function execOffThread(native: NativeDatabase, sql: string): Promise<void> {
  return databaseExecAsync.call(bindingOf(native), sql);
}

/** What the functions of the binding take for a connection. */
function bindingOf(native: NativeDatabase): object {
  return (native as unknown as { readonly db: object }).db;
}

/** How a replica reaches its server. A token must be free of line breaks, which abort the process. */
export interface NativeReplicaOptions {
  readonly syncUrl: string;
  readonly authToken: string | undefined;
  readonly encryptionKey: string | undefined;
  readonly remoteEncryptionKey: string | undefined;
}

/** A replica that is only synced, never asked. */
export interface NativeReplica {
  /** Brings it up to date, on another thread. Has no end while the server swallows everything. */
  sync(): Promise<{ readonly frameNo: number | undefined; readonly framesSynced: number }>;
  /** May be called during a sync, which then goes on. */
  close(): void;
}

/** Opens a replica. Asks the server, and blocks the event loop for one round trip; a server that is down throws. */
export function openNativeReplica(path: string, options: NativeReplicaOptions): NativeReplica {
  const native = new NativeDatabaseClass(path, { ...options, readYourWrites: false });
  return {
    sync: async () => {
      const result = await databaseSyncAsync.call(bindingOf(native));
      return { frameNo: result.frame_no, framesSynced: result.frames_synced };
    },
    close: () => native.close(),
  };
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

/**
 * Loads the binding. It (libsql 0.5.29) logs failures of the network to standard output, where an application's own output goes.
 * It reads its level when its library is loaded; the variable is given back for the processes that this one starts.
 */
function requireQuietly(): unknown {
  const level = process.env['RUST_LOG'];
  process.env['RUST_LOG'] ??= 'off';
  try {
    return createRequire(import.meta.url)('libsql');
  } finally {
    if (level === undefined) delete process.env['RUST_LOG'];
  }
}

/** Loads the very binary that `libsql` 0.5 has loaded, found by that package's own rule. */
function loadFunctions(): BindingFunctions {
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
  return requireAsLibsql(`@libsql/${target}`) as BindingFunctions;
}
