import {
  type KyselyPlugin,
  type PluginTransformQueryArgs,
  type PluginTransformResultArgs,
  type QueryResult,
  type RawBuilder,
  type RootOperationNode,
  sql,
  type UnknownRow,
} from 'kysely';
import { ConfigError } from '../../errors.js';
import { type ColumnKind, ColumnKinds, decode, kindOfType, toJson } from './column-kinds.js';
import { EncodeTransformer } from './encode-transformer.js';
import { TursoQueryResult } from './execute.js';

/** How {@link TursoTypesPlugin} converts. */
export interface TursoTypesPluginOptions {
  /**
   * What columns hold, by their name in any table or result, as the queries or the database have it (`createdAt`,
   * `created_at`); the rest is known by declared type.
   */
  readonly columns?: Readonly<Record<string, ColumnKind>>;
  /** How a Date is kept where the column's name does not tell, and in columns declared as dates. @default 'date' */
  readonly dates?: 'date' | 'timestamp' | 'timestamp_ms';
}

/**
 * Turns JSON, boolean and date columns into JavaScript values, and such values into what is stored, the same as Drizzle's
 * column modes do. It must be the first plugin.
 *
 * Results are converted by the name of the column, or else by its declared type: `json` and `jsonb`, `boolean` and `bool`,
 * `date`, `datetime` and `timestamp`. Parameters are converted by the name of the column that they are for; everywhere
 * else a plain object or array becomes JSON text and a Date what `dates` says. A string for a JSON column whose name is
 * not in `columns` is taken for JSON text; {@link json} marks one that is a JSON string.
 *
 * @throws {@link ValueError} when a column holds something else than it declares
 *
 * @example
 * ```ts
 * import { Kysely } from 'kysely';
 * import { TursoDialect, TursoTypesPlugin } from 'turso-dialect/kysely';
 *
 * interface Schema {
 *   events: { payload: { kind: string }; done: boolean; at: Date };
 * }
 *
 * const db = new Kysely<Schema>({ dialect: new TursoDialect(':memory:'), plugins: [new TursoTypesPlugin()] });
 * await db.schema
 *   .createTable('events')
 *   .addColumn('payload', 'json')
 *   .addColumn('done', 'boolean')
 *   .addColumn('at', 'timestamp')
 *   .execute();
 * await db.insertInto('events').values({ payload: { kind: 'start' }, done: false, at: new Date(0) }).execute();
 * const event = await db.selectFrom('events').selectAll().executeTakeFirstOrThrow();
 * console.log(event.payload.kind, event.done, event.at.getTime()); // start false 0
 * await db.destroy();
 * ```
 */
export class TursoTypesPlugin implements KyselyPlugin {
  readonly #columns: ColumnKinds;
  readonly #dates: ColumnKind;
  readonly #transformer: EncodeTransformer;

  constructor(options: TursoTypesPluginOptions = {}) {
    this.#columns = new ColumnKinds(options.columns ?? {});
    this.#dates = options.dates ?? 'date';
    this.#transformer = new EncodeTransformer(this.#columns, this.#dates);
  }

  transformQuery({ node, queryId }: PluginTransformQueryArgs): RootOperationNode {
    return this.#transformer.transformNode(node, queryId);
  }

  async transformResult({ result }: PluginTransformResultArgs): Promise<QueryResult<UnknownRow>> {
    const columns = TursoQueryResult.columnsOf(result);
    if (columns === undefined) {
      throw new ConfigError(
        'plugins',
        'TursoTypesPlugin must be the first plugin of a database with the TursoDialect',
      );
    }
    // Of several columns with one name a row has the last.
    for (const [name, type] of new Map(columns.map((column) => [column.name, column.type]))) {
      const kind = this.#columns.of(name) ?? kindOfType(type, this.#dates);
      if (kind === undefined) continue;
      for (const row of result.rows) row[name] = decode(kind, row[name], name);
    }
    return result;
  }
}

/**
 * A value as JSON text, for a JSON column that should hold a string, or where no plugin converts.
 *
 * @throws {@link ParameterError} when it has no JSON form
 *
 * @example
 * ```ts
 * import { Kysely } from 'kysely';
 * import { json, TursoDialect } from 'turso-dialect/kysely';
 *
 * const db = new Kysely<{ settings: { value: string } }>({ dialect: new TursoDialect(':memory:') });
 * await db.schema.createTable('settings').addColumn('value', 'json').execute();
 * await db.insertInto('settings').values({ value: json('dark') }).execute();
 * console.log(await db.selectFrom('settings').selectAll().execute()); // [ { value: '"dark"' } ]
 * await db.destroy();
 * ```
 */
export function json<T>(value: T): RawBuilder<T> {
  return sql<T>`${toJson(value)}`;
}
