import type { MaybePromise } from '../engine/engine.js';
import type { AnalyzedStatement } from '../sql/statement.js';
import type { SqlValue } from '../values.js';

/** Runs a statement of `count` parameters about the schema or another statement, and gives its rows. */
export type Inspect = (sql: string, count: number) => MaybePromise<SqlValue[][]>;

export class Authorizer {
  check(_statement: AnalyzedStatement, _inspect: Inspect): MaybePromise<void> {}
}
