import { insertTarget } from '../../sql/insert-target.js';
import type { AnalyzedStatement } from '../../sql/statement.js';
import { ToldRowid } from '../told-rowid.js';
import { schemaChanges } from './schema-changes.js';

/** How long an answer is taken as it was, in ms, should another process change the schema. */
const LIFETIME = 1_000;

/**
 * Decides whether the rowid that a connection remembers is that of the statement that was just run. SQLite keeps the one of
 * an earlier statement where this one has inserted none: into a WITHOUT ROWID table, a view, or by an upsert that updated.
 */
export class LastRowid {
  readonly #hasRowids: (table: string) => boolean;
  readonly #known = new WeakMap<
    AnalyzedStatement,
    { readonly own: boolean; readonly changes: number; readonly until: number }
  >();
  readonly #told = new ToldRowid();

  /** @param hasRowids - says whether the rows of a table have rowids, by its name in SQL */
  constructor(hasRowids: (table: string) => boolean) {
    this.#hasRowids = hasRowids;
  }

  /** Notes that a statement was run that may have inserted, and whose rowid nobody asked for. */
  unknown(): void {
    this.#told.forget();
  }

  /** Whether `rowid`, which is what the connection says now, is that of a row that the INSERT or REPLACE inserted. */
  isOf(statement: AnalyzedStatement, rowid: bigint | number): boolean {
    return this.#told.isNew(rowid) || this.#hasOwn(statement);
  }

  #hasOwn(statement: AnalyzedStatement): boolean {
    const known = this.#known.get(statement);
    if (known?.changes === schemaChanges() && performance.now() < known.until) return known.own;
    const table = insertTarget(statement);
    const own = table !== undefined && this.#hasRowids(table);
    this.#known.set(statement, { own, changes: schemaChanges(), until: performance.now() + LIFETIME });
    return own;
  }
}
