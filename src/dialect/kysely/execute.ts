import type { CompiledQuery, QueryResult } from 'kysely';
import { type BatchItem, toBatchItem } from '../../database/batch.js';
import type { ExecuteRequest, Executor, RawResult } from '../../database/executor.js';
import type { Written } from '../../database/pinned-database.js';
import { type RepeatedNames, toRows } from '../../database/result.js';
import { streamBatches } from '../../database/stream.js';
import type { AnalyzedStatement } from '../../sql/statement.js';

/** As in Kysely's own dialects, whose types know no other key. */
const REPEATED: RepeatedNames = 'last';

/** The options of Kysely 0.29 that concern a connection. */
export interface QueryOptions {
  readonly signal?: AbortSignal | undefined;
}

type Columns = NonNullable<RawResult['columns']>;

/** A result that knows, unseen, which columns its rows were made of, for the plugin that converts by declared type. */
export class TursoQueryResult implements QueryResult<unknown> {
  readonly rows: unknown[];
  /** Set for statements that change rows. */
  numAffectedRows?: bigint;
  /** Set when a row was inserted by a statement without RETURNING. */
  insertId?: bigint;
  readonly #columns: Columns;
  readonly #rowid: bigint | undefined;

  constructor(rows: unknown[], columns: Columns, rowid?: bigint) {
    this.rows = rows;
    this.#columns = columns;
    this.#rowid = rowid;
  }

  /** What `last_insert_rowid()` and `changes()` would give; undefined if it changed no rows. */
  static writtenBy(result: TursoQueryResult | undefined): Written | undefined {
    if (result?.numAffectedRows === undefined) return undefined;
    return { rowid: result.#rowid, changes: Number(result.numAffectedRows) };
  }

  /** Undefined for a result that is not ours any more. */
  static columnsOf(result: object): Columns | undefined {
    return #columns in result ? result.#columns : undefined;
  }
}

/** Verbs of the statements whose number of changed rows means something. */
const CHANGES: ReadonlySet<string> = new Set(['INSERT', 'REPLACE', 'UPDATE', 'DELETE']);

const NARROW: ExecuteRequest = { fetch: 'all', columns: true, rowid: true, exactIntegers: false };
const EXACT: ExecuteRequest = { ...NARROW, exactIntegers: true };

/** A query, checked and with its parameters encoded. An error carries the index in its batch. */
export function toItem(executor: Executor, query: CompiledQuery, index?: number): BatchItem {
  const request = executor.config.intMode === 'number' ? NARROW : EXACT;
  return toBatchItem(executor, { sql: query.sql, args: query.parameters }, request, index);
}

/** Runs a query; the result is there at once where the engine is synchronous. */
export function executeItem(
  executor: Executor,
  { statement, values, request }: BatchItem,
  options: QueryOptions | undefined,
): TursoQueryResult | Promise<TursoQueryResult> {
  const abort = executor.abortFrom(options);
  if (abort === undefined) {
    const raw = executor.runStatement(statement, values, request);
    return raw instanceof Promise
      ? raw.then((later) => toQueryResult(executor, statement, later))
      : toQueryResult(executor, statement, raw);
  }
  const run = async (): Promise<TursoQueryResult> =>
    toQueryResult(executor, statement, await executor.runStatement(statement, values, request, abort));
  return run().finally(() => abort.dispose());
}

/** Gives Kysely's form to what the engine gave. */
export function toQueryResult(
  executor: Executor,
  { verb, returning }: AnalyzedStatement,
  raw: RawResult,
): TursoQueryResult {
  const { columns = [], lastInsertRowid: insertId } = raw;
  const rows = toRows(raw.rows, columns, 'object', executor.config.intMode, REPEATED);
  const result = new TursoQueryResult(rows, columns, insertId);
  if (CHANGES.has(verb)) result.numAffectedRows = BigInt(raw.rowsAffected);
  // With RETURNING the rows say it, as in Kysely's own dialect.
  if (insertId !== undefined && !returning) result.insertId = insertId;
  return result;
}

/** The rows of a query in chunks, each fetched when it is asked for. */
export async function* streamOn(
  executor: Executor,
  query: CompiledQuery,
  chunkSize: number,
  options: QueryOptions | undefined,
): AsyncGenerator<TursoQueryResult, void, undefined> {
  const { statement, values, request } = toItem(executor, query);
  const exact = request.exactIntegers === true;
  const batches = streamBatches(executor, statement, values, exact, { ...options, batchSize: chunkSize });
  for await (const { rows, columns } of batches) {
    yield new TursoQueryResult(toRows(rows, columns, 'object', executor.config.intMode, REPEATED), columns);
  }
}
