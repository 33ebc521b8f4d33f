import type { IntMode } from '../values.js';

// The interface of `@libsql/client` 0.18, written down here since that package is an optional peer: what it declares and
// what is declared here can be used for each other.

/** A value that a result has. */
export type Value = null | string | number | bigint | ArrayBuffer;

/** A value that a statement takes: a boolean becomes 0 or 1, a `Date` its milliseconds since 1970. */
export type InValue = Value | boolean | Uint8Array | Date;

/** Values of a statement: by position, or by name with or without `:`, `@` or `$`. */
export type InArgs = InValue[] | Record<string, InValue>;

/** A statement: its SQL text, or the text with its values. */
export type InStatement = { sql: string; args?: InArgs } | string;

/** How a transaction takes its locks: `write` at once, `deferred` with its first statement, `read` never writes. */
export type TransactionMode = 'write' | 'read' | 'deferred';

/** What a sync has done: the frame that the replica has reached, and how many frames came. */
export type Replicated = { frame_no: number; frames_synced: number } | undefined;

/** A row: values by index and by the name of their column. Only the names are enumerable. */
export interface Row {
  /** The number of columns. */
  length: number;
  [index: number]: Value;
  [name: string]: Value;
}

/** What a statement gave. */
export interface ClientResultSet {
  /** Names of the columns. */
  columns: string[];
  /** Declared types of the columns, `''` for expressions. */
  columnTypes: string[];
  /** The rows. */
  rows: Row[];
  /** How many rows an INSERT, UPDATE, DELETE or REPLACE changed. */
  rowsAffected: number;
  /** Rowid of the last row that an INSERT or REPLACE inserted. */
  lastInsertRowid: bigint | undefined;
  /** What `JSON.stringify()` writes: rows as arrays, 64-bit integers as text, BLOBs as base64. */
  // oxlint-disable-next-line typescript/no-explicit-any -- the type in `@libsql/client`
  toJSON(): any;
}

/** A transaction that its owner commits or rolls back. */
export interface ClientTransaction {
  /** Runs one statement. */
  execute(statement: InStatement): Promise<ClientResultSet>;
  /** Runs statements in order. */
  batch(statements: InStatement[]): Promise<ClientResultSet[]>;
  /** Runs a script of statements without values. */
  executeMultiple(sql: string): Promise<void>;
  /** Undoes everything, and ends the transaction. */
  rollback(): Promise<void>;
  /** Keeps everything, and ends the transaction. */
  commit(): Promise<void>;
  /** Rolls back, unless the transaction has ended. */
  close(): void;
  /** Whether the transaction has ended. */
  closed: boolean;
}

/** A client of a database, as `@libsql/client` declares it. */
export interface Client {
  /** Runs one statement. */
  execute(statement: InStatement): Promise<ClientResultSet>;
  execute(sql: string, args?: InArgs): Promise<ClientResultSet>;
  /** Runs statements as one transaction. */
  batch(
    statements: (InStatement | [sql: string, args?: InArgs])[],
    mode?: TransactionMode,
  ): Promise<ClientResultSet[]>;
  /** As `batch()`, with foreign keys off meanwhile. */
  migrate(statements: InStatement[]): Promise<ClientResultSet[]>;
  /** Begins a transaction. */
  transaction(mode?: TransactionMode): Promise<ClientTransaction>;
  transaction(): Promise<ClientTransaction>;
  /** Runs a script of statements without values. */
  executeMultiple(sql: string): Promise<void>;
  /** Fetches what a replica lacks. */
  sync(): Promise<Replicated>;
  /** Closes the database. */
  close(): void;
  /** Opens a client again that was closed. */
  reconnect(): void;
  /** Whether it is closed. */
  closed: boolean;
  /** `file`, `http` or `ws`. */
  protocol: string;
}

export type { IntMode };
