import { quoteName } from '../../sql/quote-name.js';
import { type AnalyzedStatement, analyze } from '../../sql/statement.js';
import type { SqlValue } from '../../values.js';
import { type MaybePromise, SchemaMovedError } from '../engine.js';

/** Gives the rows of a question, at most one. */
export type AskOne = (question: AnalyzedStatement, fetch: 'first' | 'all') => readonly SqlValue[][];

const [VERSION] = analyze('SELECT schema_version FROM pragma_schema_version').statements as [
  AnalyzedStatement,
];
const [ATTACHED] = analyze('SELECT name FROM pragma_database_list WHERE seq > 1 ORDER BY seq').statements as [
  AnalyzedStatement,
];

let lastNumber = 0;

function withoutOwn(state: string): string {
  const [version, , , ...attached] = state.split(' ');
  return [version, ...attached].join(' ');
}

/**
 * Everything that the bytecode of statements on one connection depends on. What is temporary, attached or set is of this
 * connection, and only it changes that; the files change elsewhere too.
 */
export class SchemaState {
  /** Told from other connections by it. */
  readonly #number = ++lastNumber;
  readonly #ask: AskOne;
  /** How often this connection may have changed a schema, a setting or the statistics. */
  #changes = 0;
  /** Whether other files may be attached. */
  #attached = false;

  constructor(ask: AskOne) {
    this.#ask = ask;
  }

  /** A text that changes with it; its first word is the version of the schema, its last those of attached files. */
  text(): string {
    const state = `${this.#version(VERSION)} ${this.#number} ${this.#changes}`;
    return this.#attached ? `${state} ${this.#attachedVersions()}` : state;
  }

  /** Notes that a statement of this connection may have changed it. */
  changedBy(sql: string): void {
    this.#changes++;
    this.#attached ||= /^attach/i.test(sql);
  }

  /**
   * @param ownApart - whether what this connection has noted since does not count
   * @throws {@link SchemaMovedError} when it is not the expected one, if one is
   */
  assert(expected: string | undefined, ownApart = false): void {
    if (expected === undefined) return;
    const now = this.text();
    if (ownApart ? withoutOwn(now) !== withoutOwn(expected) : now !== expected) throw new SchemaMovedError();
  }

  /**
   * Runs what reads. In a transaction the schema is known before. Outside, a version only grows, so what it is after the
   * statement it was while that ran.
   *
   * @param discard - frees what was made with another schema
   * @throws {@link SchemaMovedError} also instead of what failed, since that may tell of what another schema shows
   */
  runIn<T>(
    expected: string,
    inTransaction: boolean,
    run: () => MaybePromise<T>,
    discard: (made: T) => void = () => {},
  ): MaybePromise<T> {
    if (inTransaction) {
      this.assert(expected);
      return run();
    }
    const check = (made: T): T => {
      try {
        this.assert(expected);
        return made;
      } catch (error) {
        discard(made);
        throw error;
      }
    };
    let made: MaybePromise<T>;
    try {
      made = run();
    } catch (error) {
      throw this.#movedOr(error, expected);
    }
    if (!(made instanceof Promise)) return check(made);
    return made.then(check, (error: unknown) => {
      throw this.#movedOr(error, expected);
    });
  }

  #movedOr(error: unknown, expected: string): unknown {
    try {
      this.assert(expected);
    } catch (moved) {
      if (moved instanceof SchemaMovedError) return moved;
    }
    return error;
  }

  #version(question: AnalyzedStatement): number {
    return Number(this.#ask(question, 'first')[0]?.[0]);
  }

  #attachedVersions(): string {
    const versions = this.#ask(ATTACHED, 'all').map(([name]) => {
      const [question] = analyze(`PRAGMA ${quoteName(String(name))}.schema_version`).statements;
      return this.#version(question as AnalyzedStatement);
    });
    return versions.join(',');
  }
}
