import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Statement } from './statement.js';
import type { Value } from './values.js';

/** What SQLite itself says about one statement. Integers are bigints, so that they differ from whole REALs. */
export interface Answer {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly Value[])[];
  /** How many rows an INSERT, UPDATE, DELETE or REPLACE changed. */
  readonly changes: number;
  /** Rowid of the last row that this statement itself inserted. */
  readonly rowid: bigint | undefined;
  readonly error?: Refusal;
}

/** Why SQLite refused a statement. */
export interface Refusal {
  readonly message: string;
  /** The extended result code. */
  readonly code: number;
}

/** A rowid that no statement gives, to notice whether one was set. */
const NO_ROWID = -6_402_373_705_728_000n;

type Pointer = number;

/** The part of SQLite's own C interface that is used here, see https://sqlite.org/wasm. */
interface Capi {
  sqlite3_open_v2(name: string, out: Pointer, flags: number, vfs: number): number;
  sqlite3_close_v2(db: Pointer): number;
  sqlite3_extended_result_codes(db: Pointer, on: number): number;
  sqlite3_prepare_v3(
    db: Pointer,
    sql: Pointer,
    bytes: number,
    flags: number,
    out: Pointer,
    tail: Pointer,
  ): number;
  sqlite3_step(statement: Pointer): number;
  sqlite3_finalize(statement: Pointer): number;
  sqlite3_errmsg(db: Pointer): string;
  sqlite3_extended_errcode(db: Pointer): number;
  sqlite3_column_count(statement: Pointer): number;
  sqlite3_column_name(statement: Pointer, i: number): string;
  sqlite3_column_type(statement: Pointer, i: number): number;
  sqlite3_column_int64(statement: Pointer, i: number): bigint;
  sqlite3_column_double(statement: Pointer, i: number): number;
  sqlite3_column_text(statement: Pointer, i: number): string;
  sqlite3_column_blob(statement: Pointer, i: number): Pointer;
  sqlite3_column_bytes(statement: Pointer, i: number): number;
  sqlite3_bind_null(statement: Pointer, i: number): number;
  sqlite3_bind_int64(statement: Pointer, i: number, value: bigint): number;
  sqlite3_bind_double(statement: Pointer, i: number, value: number): number;
  sqlite3_bind_text(statement: Pointer, i: number, value: Pointer, bytes: number, destructor: number): number;
  sqlite3_bind_blob(statement: Pointer, i: number, value: Pointer, bytes: number, destructor: number): number;
  sqlite3_bind_parameter_index(statement: Pointer, name: string): number;
  sqlite3_changes64(db: Pointer): bigint;
  sqlite3_total_changes64(db: Pointer): bigint;
  sqlite3_last_insert_rowid(db: Pointer): bigint;
  sqlite3_set_last_insert_rowid(db: Pointer, rowid: bigint): void;
  sqlite3_get_autocommit(db: Pointer): number;
  sqlite3_stmt_readonly(statement: Pointer): number;
}

interface Sqlite {
  readonly capi: Capi;
  readonly wasm: {
    allocPtr(): Pointer;
    dealloc(pointer: Pointer): void;
    peekPtr(pointer: Pointer): Pointer;
    allocCString(text: string): Pointer;
    allocFromTypedArray(bytes: Uint8Array): Pointer;
    cstrlen(pointer: Pointer): number;
    heap8u(): Uint8Array;
  };
}

/** Statements that tell how many rows they changed. */
const CHANGES = /^\s*(?:insert|replace|update|delete|with)\b/i;

/** Those that tell a rowid. */
const INSERTS = /^\s*(?:with unused as \(select 1\) )?(?:insert|replace)\b/i;

const ROW = 100;
const DONE = 101;
const [INTEGER, FLOAT, TEXT, BLOB] = [1, 2, 3, 4];
const TRANSIENT = -1;
const utf8 = new TextEncoder();

/** Node's, which only the types of browsers declare. */
const { WebAssembly: webAssembly } = globalThis as unknown as {
  WebAssembly: {
    instantiate(code: Uint8Array, imports: object): Promise<{ instance: unknown; module: unknown }>;
  };
};

/** SQLite 3.45.1, the version that libsql 0.5.29 and sqld 0.24 are made of, as WebAssembly. */
export async function loadSqlite(): Promise<Sqlite> {
  const require = createRequire(import.meta.url);
  const folder = path.join(
    path.dirname(require.resolve('@sqlite.org/sqlite-wasm/package.json')),
    'sqlite-wasm/jswasm',
  );
  // The package's entry of this version is for browsers alone, but it ships a module for Node, which only can't load its code.
  const module = (await import(pathToFileURL(path.join(folder, 'sqlite3-node.mjs')).href)) as {
    default(options: object): Promise<Sqlite>;
  };
  const code = readFileSync(path.join(folder, 'sqlite3.wasm'));
  const instantiateWasm = (imports: object, done: (...made: unknown[]) => void): object => {
    void (async () => {
      const { instance, module: made } = await webAssembly.instantiate(code, imports);
      done(instance, made);
    })();
    return {};
  };
  const quiet = (): void => {};
  return await module.default({ instantiateWasm, print: quiet, printErr: quiet });
}

/** An empty database of SQLite itself, as the package opens one: with foreign keys. */
export class Oracle {
  readonly #sqlite: Sqlite;
  readonly #db: Pointer;
  #readable = true;

  constructor(sqlite: Sqlite) {
    this.#sqlite = sqlite;
    const { capi, wasm } = sqlite;
    const out = wasm.allocPtr();
    capi.sqlite3_open_v2(':memory:', out, 6, 0);
    this.#db = wasm.peekPtr(out);
    wasm.dealloc(out);
    capi.sqlite3_extended_result_codes(this.#db, 1);
    this.run({ sql: 'PRAGMA foreign_keys = ON', args: [] });
  }

  /** Whether no transaction is open. */
  get autocommit(): boolean {
    return this.#sqlite.capi.sqlite3_get_autocommit(this.#db) !== 0;
  }

  /** Whether every text so far was valid UTF-8: libsql 0.5.29 ends the process when it reads another one. */
  get readable(): boolean {
    return this.#readable;
  }

  run({ sql, args }: Statement): Answer {
    const { capi, wasm } = this.#sqlite;
    const text = wasm.allocCString(sql);
    const out = wasm.allocPtr();
    let statement = 0;
    try {
      const code = capi.sqlite3_prepare_v3(this.#db, text, wasm.cstrlen(text), 0, out, 0);
      statement = wasm.peekPtr(out);
      if (code !== 0 || statement === 0) return this.#refused();
      this.#bind(statement, args);
      const answer = this.#step(statement, CHANGES.test(sql));
      // An UPDATE of a virtual table sets it too.
      return INSERTS.test(sql) ? answer : { ...answer, rowid: undefined };
    } finally {
      capi.sqlite3_finalize(statement);
      wasm.dealloc(text);
      wasm.dealloc(out);
    }
  }

  close(): void {
    this.#sqlite.capi.sqlite3_close_v2(this.#db);
  }

  #step(statement: Pointer, changes: boolean): Answer {
    const { capi } = this.#sqlite;
    capi.sqlite3_set_last_insert_rowid(this.#db, NO_ROWID);
    const totalBefore = capi.sqlite3_total_changes64(this.#db);
    const rows: Value[][] = [];
    let code = capi.sqlite3_step(statement);
    const count = capi.sqlite3_column_count(statement);
    const columns = Array.from({ length: count }, (_, i) => capi.sqlite3_column_name(statement, i));
    while (code === ROW) {
      rows.push(columns.map((_, i) => this.#value(statement, i)));
      code = capi.sqlite3_step(statement);
    }
    if (code !== DONE) return this.#refused();
    const rowid = capi.sqlite3_last_insert_rowid(this.#db);
    // What the statement before has changed is still told after one that changes nothing, and DROP TABLE deletes rows.
    const changed = changes && capi.sqlite3_total_changes64(this.#db) !== totalBefore;
    return {
      ...{ columns, rows },
      changes: changed ? Number(capi.sqlite3_changes64(this.#db)) : 0,
      rowid: rowid === NO_ROWID ? undefined : rowid,
    };
  }

  #refused(): Answer {
    const { capi } = this.#sqlite;
    const error = { message: capi.sqlite3_errmsg(this.#db), code: capi.sqlite3_extended_errcode(this.#db) };
    return { columns: [], rows: [], changes: 0, rowid: undefined, error };
  }

  #value(statement: Pointer, i: number): Value {
    const { capi, wasm } = this.#sqlite;
    switch (capi.sqlite3_column_type(statement, i)) {
      case INTEGER:
        return capi.sqlite3_column_int64(statement, i);
      case FLOAT:
        return capi.sqlite3_column_double(statement, i);
      case TEXT:
        return this.#text(capi.sqlite3_column_text(statement, i));
      case BLOB: {
        const at = capi.sqlite3_column_blob(statement, i);
        return wasm.heap8u().slice(at, at + capi.sqlite3_column_bytes(statement, i));
      }
      default:
        return null;
    }
  }

  #text(text: string): string {
    // No value of this run has it: it stands for bytes that are no UTF-8.
    if (text.includes('\uFFFD')) this.#readable = false;
    return text;
  }

  #bind(statement: Pointer, args: Statement['args']): void {
    const { capi } = this.#sqlite;
    const list: [number, Value][] = Array.isArray(args)
      ? args.map((value: Value, i) => [i + 1, value])
      : Object.entries(args).map(([name, value]: [string, Value]) => [this.#placeOf(statement, name), value]);
    for (const [i, value] of list) {
      if (value === null) capi.sqlite3_bind_null(statement, i);
      else if (typeof value === 'string')
        this.#bindBytes(statement, i, utf8.encode(value), 'sqlite3_bind_text');
      else if (value instanceof Uint8Array) this.#bindBytes(statement, i, value, 'sqlite3_bind_blob');
      else if (typeof value === 'bigint' || Number.isSafeInteger(value))
        capi.sqlite3_bind_int64(statement, i, BigInt(value));
      else capi.sqlite3_bind_double(statement, i, value);
    }
  }

  #bindBytes(
    statement: Pointer,
    i: number,
    bytes: Uint8Array,
    bind: 'sqlite3_bind_text' | 'sqlite3_bind_blob',
  ): void {
    const { capi, wasm } = this.#sqlite;
    const copy = wasm.allocFromTypedArray(bytes);
    capi[bind](statement, i, copy, bytes.length, TRANSIENT);
    wasm.dealloc(copy);
  }

  #placeOf(statement: Pointer, name: string): number {
    const { capi } = this.#sqlite;
    for (const prefix of [':', '@', '$']) {
      const place = capi.sqlite3_bind_parameter_index(statement, prefix + name);
      if (place > 0) return place;
    }
    throw new Error(`no parameter ${name}`);
  }
}
