/**
 * A row of {@link RunResult}: values by the name of their column, and by index. A BLOB is a `Uint8Array`; in
 * `@libsql/client` it is an `ArrayBuffer`.
 */
export interface RunRow {
  readonly length: number;
  // oxlint-disable-next-line typescript/no-explicit-any -- no other type can be used for both kinds of BLOB
  [index: number]: any;
  // oxlint-disable-next-line typescript/no-explicit-any -- as above
  [name: string]: any;
}

/**
 * What `db.run()` and a write without `returning()` give: our `ResultSet`, with types that fit those of
 * `@libsql/client` 0.18. A function that asks for a `BaseSQLiteDatabase<'async', ResultSet>` with the `ResultSet` of
 * `@libsql/client` therefore takes our databases and transactions.
 *
 * @example
 * ```ts
 * import { drizzle, type RunResult } from 'turso-dialect/drizzle';
 *
 * const db = drizzle(':memory:');
 * const { rows }: RunResult = await db.run('select 1 as one');
 * console.log(rows[0]?.one); // 1
 * ```
 */
export interface RunResult {
  /** Names of the columns, duplicates included. */
  columns: string[];
  /** Declared types of the columns as written in the schema, `''` for expressions. */
  columnTypes: string[];
  /** The rows. */
  rows: RunRow[];
  /** How many rows an INSERT, UPDATE, DELETE or REPLACE changed; 0 for everything else. */
  rowsAffected: number;
  /** Rowid of the last row that an INSERT or REPLACE inserted; undefined for everything else. */
  lastInsertRowid: bigint | undefined;
  /** What `JSON.stringify()` writes: the rowid as text, a BLOB as base64. */
  // oxlint-disable-next-line typescript/no-explicit-any -- the type in `@libsql/client`
  toJSON(): any;
}
