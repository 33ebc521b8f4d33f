import { entityKind } from 'drizzle-orm';
import { RelationalQueryBuilder, SQLiteRelationalQuery } from 'drizzle-orm/sqlite-core/query-builders/query';
import { unsafeInteger } from '../../values.js';
import { compileRelationalDecoder } from './row-decoder.js';
/** A relational query whose rows are decoded by a decoder that is compiled once. */
class TursoRelationalQuery extends SQLiteRelationalQuery {
  static [entityKind] = 'TursoRelationalQuery';
  /** @internal Called by Drizzle's own `prepare()` and `execute()`. */
  _prepare() {
    const internals = this;
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
class TursoRelationalQueryBuilder extends RelationalQueryBuilder {
  static [entityKind] = 'TursoRelationalQueryBuilder';
  // The declared result depends on the config; Drizzle's own implementation is untyped in the same way.
  findMany(config) {
    return this.#query(config ?? {}, 'many');
  }
  findFirst(config) {
    return this.#query({ ...config, limit: 1 }, 'first');
  }
  #query(config, mode) {
    const { fullSchema, schema, tableNamesMap, table, tableConfig, dialect, session } = this;
    return new TursoRelationalQuery(
      ...[fullSchema, schema, tableNamesMap, table, tableConfig, dialect, session, config, mode],
    );
  }
}
/** Gives a database or transaction its `db.query`, without building one object per table for those who never ask. */
export function installRelationalQueries(holder, dialect, session, schema) {
  if (schema === undefined) return;
  const { fullSchema, tableNamesMap } = schema;
  holder._ = { schema: schema.schema, fullSchema, tableNamesMap };
  let query;
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
            fullSchema[name],
            tableConfig,
            dialect,
            session,
          ),
        ]),
      );
      return query;
    },
  });
}
