import type { Executor } from '../executor.js';
import { ParameterError } from '../../errors.js';
import type { SqlValue } from '../../values.js';
import type { RowObject } from '../result.js';
import { askRows } from './ask.js';
import { PRAGMAS, type PragmaDefinition } from './catalogue.js';
import { type PragmaQueries, pragmaQueries } from './queries.js';
import { setPragma } from './set.js';
import { decodePragma, pragmaName } from './values.js';

type Catalogue = typeof PRAGMAS;

/** What a pragma's value is in JavaScript. */
type ValueOf<D extends PragmaDefinition> = D['type'] extends readonly (infer Word)[]
  ? Word
  : D['type'] extends 'boolean'
    ? boolean
    : D['type'] extends 'integer'
      ? number
      : string;

type Settable = {
  [K in keyof Catalogue]: Catalogue[K]['settable'] extends readonly [] ? never : K;
}[keyof Catalogue];

/** Reads a pragma; `schema` is `main` unless an attached database is meant. */
type Getters = { [K in keyof Catalogue]: (schema?: string) => Promise<ValueOf<Catalogue[K]>> };

type Setters = {
  [K in Settable as `set${Capitalize<K>}`]: (value: ValueOf<Catalogue[K]>) => Promise<void>;
};

/**
 * The pragmas of a database or transaction, as functions with types. A function without `set` reads. Setting one of a
 * connection acts on every connection of the database, those to come too; transactions and streams that are open keep
 * what they have. What SQLite would ignore, as it does with most settings inside a transaction, is an error.
 *
 * @example
 * ```ts
 * import { open } from 'turso-dialect';
 *
 * await using db = open(':memory:');
 * await db.pragma.setUserVersion(3);
 * console.log(await db.pragma.userVersion()); // 3
 * console.log(await db.pragma.foreignKeys()); // true
 * ```
 */
export type Pragmas = Getters & Setters & PragmaQueries & PragmaText;

/** Pragmas that no function is made for. */
export interface PragmaText {
  /**
   * Runs the text of one PRAGMA and gives its rows.
   *
   * @throws {@link ParameterError} when the text is something else
   */
  query(sql: string): Promise<RowObject[]>;
}

/** Makes the functions for what `locate` gives when one is called. */
export function pragmasOf(locate: () => Executor | Promise<Executor>): Pragmas {
  const functions: Record<string, unknown> = {
    ...pragmaQueries(locate),
    async query(sql: string): Promise<RowObject[]> {
      const executor = await locate();
      if (executor.statements.one(sql).pragma === undefined) {
        throw new ParameterError('query() takes the text of a PRAGMA');
      }
      return (await executor.execute(sql)).rows;
    },
  };
  for (const [key, definition] of Object.entries<PragmaDefinition>(PRAGMAS)) {
    functions[key] = async (schema?: string) => {
      const executor = await locate();
      if (definition.name === 'busy_timeout') return executor.config.busyTimeout;
      return decodePragma(definition, await readPragma(executor, definition, schema));
    };
    if (definition.settable.length === 0) continue;
    functions[`set${key.charAt(0).toUpperCase()}${key.slice(1)}`] = async (value: unknown) =>
      setPragma(await locate(), definition, value);
  }
  // Built from the catalogue, which the type is made of as well.
  return functions as unknown as Pragmas;
}

async function readPragma(
  executor: Executor,
  { name }: PragmaDefinition,
  schema = 'main',
): Promise<SqlValue> {
  const { rows } = await askRows(executor, `PRAGMA ${pragmaName(schema)}.${name}`);
  return rows[0]?.[0] as SqlValue;
}
