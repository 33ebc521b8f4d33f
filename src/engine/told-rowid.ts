/**
 * What a connection told last as the rowid of an insert. SQLite tells it again where a statement has inserted no row, so only
 * another one than before is surely new.
 */
export class ToldRowid {
  /** A connection begins with 0; undefined after something that may have inserted a row whose rowid was not told. */
  #last: bigint | number | undefined = 0;

  /** Takes what was told, and says whether it is surely new. */
  isNew(rowid: bigint | number): boolean {
    const before = this.#last;
    this.#last = rowid;
    // oxlint-disable-next-line eqeqeq -- a bigint may equal a number
    return before !== undefined && before != rowid;
  }

  /** Something may have inserted a row whose rowid was not told. */
  forget(): void {
    this.#last = undefined;
  }
}

/** A query that only a table with rowids can be asked: one WITHOUT ROWID and a view have none. It need not be run. */
export function rowidQuestion(table: string): string {
  return `SELECT rowid, oid, _rowid_ FROM ${table}`;
}
