import type { AnalyzedStatement } from '../sql/statement.js';

/** What a statement that controls a transaction does in a migration, which is in a transaction already. */
export type ControlStep =
  /** It begins, keeps or undoes what stands between BEGIN and COMMIT. */
  | 'begin'
  | 'commit'
  | 'rollback'
  /** It sets a savepoint, or ends or undoes one that was set before. */
  | 'savepoint'
  /** It has no counterpart, so it would end the transaction of the migration, or begin another. */
  | 'refused';

const SAVEPOINT =
  /^(?:savepoint|release(?:\s+savepoint)?|rollback(?:\s+transaction)?\s+to(?:\s+savepoint)?)\s+(\S.*)$/is;

/** The name of a BEGIN among those of savepoints, which can't be empty in a text that this can read. */
const BEGIN = '';

/** Follows the statements that control a transaction, to know which of them belong together. */
export class MigrationControl<T = unknown> {
  readonly #open: { readonly name: string; readonly mark: T }[] = [];
  readonly #onEnd: (mark: T) => void;

  /** @param onEnd - called with the mark of a BEGIN or SAVEPOINT when its end is found */
  constructor(onEnd: (mark: T) => void = () => {}) {
    this.#onEnd = onEnd;
  }

  /** What was begun and not ended. */
  get open(): readonly T[] {
    return this.#open.map(({ mark }) => mark);
  }

  /** @param mark - by which the statement is known later */
  next({ verb, text }: Pick<AnalyzedStatement, 'verb' | 'text'>, mark: T): ControlStep {
    const name = SAVEPOINT.exec(text)?.[1];
    if (name !== undefined) return this.#savepoint(verb, bare(name), mark);
    if (verb === 'BEGIN') {
      if (this.#open.length > 0) return 'refused';
      this.#open.push({ name: BEGIN, mark });
      return 'begin';
    }
    const begun = this.#open[0]?.name === BEGIN;
    if (!begun || !(verb === 'COMMIT' || verb === 'END' || verb === 'ROLLBACK')) return 'refused';
    this.#endFrom(0);
    return verb === 'ROLLBACK' ? 'rollback' : 'commit';
  }

  #savepoint(verb: string, name: string, mark: T): ControlStep {
    if (verb === 'SAVEPOINT') {
      this.#open.push({ name, mark });
      return 'savepoint';
    }
    const index = this.#open.findLastIndex((candidate) => candidate.name === name);
    if (index < 0) return 'refused';
    // A savepoint that is undone stays; those in it are gone.
    this.#endFrom(verb === 'RELEASE' ? index : index + 1);
    return 'savepoint';
  }

  #endFrom(index: number): void {
    for (const { mark } of this.#open.splice(index)) this.#onEnd(mark);
  }
}

/** A name without its quotes, in lower case, as SQLite compares those of savepoints. */
function bare(name: string): string {
  return name
    .trim()
    .replaceAll(/^["'`[]|["'`\]]$/g, '')
    .toLowerCase();
}
