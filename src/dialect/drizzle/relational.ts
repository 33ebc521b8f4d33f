import {
  type DBQueryConfig,
  entityKind,
  type Query,
  type RelationalSchemaConfig,
  type TableRelationalConfig,
  type TablesRelationalConfig,
} from 'drizzle-orm';
import type { SQLiteTable } from 'drizzle-orm/sqlite-core';
import { RelationalQueryBuilder, SQLiteRelationalQuery } from 'drizzle-orm/sqlite-core/query-builders/query';
import { unsafeInteger } from '../../values.js';
import type { TursoPreparedQuery } from './prepared-query.js';
import { compileRelationalDecoder } from './row-decoder.js';
import type { TursoSession } from './session.js';
import type { TursoSQLiteDialect } from './sql-dialect.js';

type Selection = Parameters<typeof compileRelationalDecoder>[2];

/** Members of `SQLiteRelationalQuery` that drizzle-orm 0.45.4 declares private or not at all. */
interface RelationalQueryInternals {
  readonly mode: 'many' | 'first';
  readonly schema: TablesRelationalConfig;
  readonly tableConfig: TableRelationalConfig;
  readonly session: TursoSession<Record<string, unknown>, TablesRelationalConfig>;
  _toSQL(): { query: { selection: Selection }; builtQuery: Query };
}

/** A relational query whose rows are decoded by a decoder that is compiled once. */
class TursoRelationalQuery extends SQLiteRelationalQuery<'async', unknown> {
  static override readonly [entityKind]: string = 'TursoRelationalQuery';

  /** @internal Called by Drizzle's own `prepare()` and `execute()`. */
  _prepare(): TursoPreparedQuery {
    const internals = this as unknown as RelationalQueryInternals;
    const { query, builtQuery } = internals._toSQL();
    const { session, schema, tableConfig, mode } = internals;
    const { intMode } = session.executor.config;
    const decode = compileRelationalDecoder(schema, tableConfig, query.selection, {
      intMode,
      onUnsafeInteger: unsafeInteger,
    });
    return session.prepareRelationalQuery(builtQuery, mode === 'first' ? 'get' : 'all', decode);
  }
}

/** `db.query.users`, for one table. */
class TursoRelationalQueryBuilder extends RelationalQueryBuilder<
  'async',
  Record<string, unknown>,
  TablesRelationalConfig,
  TableRelationalConfig
> {
  static override readonly [entityKind]: string = 'TursoRelationalQueryBuilder';

  // The declared result depends on the config; Drizzle's own implementation is untyped in the same way.
  override findMany(config?: object): never {
    return this.#query(config ?? {}, 'many') as never;
  }

  override findFirst(config?: object): never {
    return this.#query({ ...config, limit: 1 }, 'first') as never;
  }

  #query(config: DBQueryConfig<'many', true>, mode: 'many' | 'first'): TursoRelationalQuery {
    const { fullSchema, schema, tableNamesMap, table, tableConfig, dialect, session } = this;
    return new TursoRelationalQuery(
      ...([fullSchema, schema, tableNamesMap, table, tableConfig, dialect, session, config, mode] as const),
    );
  }
}

/** What a Drizzle database knows of its schema; `query` is built when it is first used. */
export interface SchemaHolder {
  _: { schema: unknown; fullSchema: Record<string, unknown>; tableNamesMap: Record<string, string> };
  query: unknown;
}

/** Gives a database or transaction its `db.query`, without building one object per table for those who never ask. */
export function installRelationalQueries(
  holder: SchemaHolder,
  dialect: TursoSQLiteDialect,
  session: unknown,
  schema: RelationalSchemaConfig<TablesRelationalConfig> | undefined,
): void {
  if (schema === undefined) return;
  const { fullSchema, tableNamesMap } = schema;
  holder._ = { schema: schema.schema, fullSchema, tableNamesMap };
  let query: Record<string, TursoRelationalQueryBuilder> | undefined;
  Object.defineProperty(holder, 'query', {
    enumerable: true,
    configurable: true,
    get: () => {
      query ??= Object.fromEntries(
        Object.entries(schema.schema).map(([name, tableConfig]) => [
          name,
          new TursoRelationalQueryBuilder(
            'async',
            fullSchema,
            schema.schema,
            tableNamesMap,
            fullSchema[name] as SQLiteTable,
            tableConfig,
            dialect,
            session as TursoSession<Record<string, unknown>, TablesRelationalConfig>,
          ),
        ]),
      );
      return query;
    },
  });
}
