import type { DatabaseIntrospector, Dialect, DialectAdapter, Driver, QueryCompiler } from 'kysely';
import { TursoAdapter } from './adapter.js';
import { checkDialectConfig, type TursoDialectConfig } from './dialect-config.js';
import { TursoDriver } from './driver.js';
import { TursoIntrospector } from './introspector.js';
import { TursoQueryCompiler } from './query-compiler.js';
import type { AnyKysely } from './with-connection.js';

/**
 * Kysely's dialect for Turso and libSQL databases.
 *
 * @example
 * ```ts
 * import { Kysely, type Generated } from 'kysely';
 * import { TursoDialect } from 'turso-dialect/kysely';
 *
 * interface Schema {
 *   users: { id: Generated<number>; name: string };
 * }
 *
 * const db = new Kysely<Schema>({ dialect: new TursoDialect(':memory:') });
 * await db.schema.createTable('users').addColumn('id', 'integer', (id) => id.primaryKey()).addColumn('name', 'text').execute();
 * const { insertId } = await db.insertInto('users').values({ name: 'Ada' }).executeTakeFirstOrThrow();
 * console.log(insertId); // 1n
 * await db.destroy();
 * ```
 */
export class TursoDialect implements Dialect {
  readonly #config: TursoDialectConfig;

  /**
   * @param config - a URL, a {@link Config}, `{ database }`, `{ client }`, or a function that gives one of them when the
   *   database is first used; `destroy()` closes only what was opened from a URL or a config
   * @throws {@link ConfigError} naming the key that is wrong
   */
  constructor(config: TursoDialectConfig) {
    checkDialectConfig(config);
    this.#config = config;
  }

  createDriver(): Driver {
    return new TursoDriver(this.#config);
  }

  createQueryCompiler(): QueryCompiler {
    return new TursoQueryCompiler();
  }

  createAdapter(): DialectAdapter {
    return new TursoAdapter();
  }

  createIntrospector(db: AnyKysely): DatabaseIntrospector {
    return new TursoIntrospector(db);
  }
}
