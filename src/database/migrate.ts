import type { Connection } from '../engine/engine.js';
import { ConfigError, DatabaseError } from '../errors.js';
import { cleanUpAfter } from './after.js';
import { boundedConnection } from './bounded-connection.js';
import { waitWhileBusy } from './busy.js';
import type { Database } from './database.js';
import { inspectForeignKeys, refuseNewProblems } from './migration-foreign-keys.js';
import {
  findPending,
  type IdentifiedMigration,
  identifyMigrations,
  type Migration,
  nameOf,
  type OnChanged,
} from './migration-plan.js';
import { disableForeignKeys, leaveAsBefore, readSettings } from './migration-settings.js';
import { withOwnTimeout } from './pragma/own.js';
import { dropsTable } from './drops-table.js';
import { type ParsedMigration, parseMigration, stepError } from './migration-statements.js';
import { MigrationTable } from './migration-table.js';

/** How migrations are applied. */
export interface MigrationOptions {
  /** Table in which the applied migrations are noted. @default '__drizzle_migrations' */
  readonly migrationsTable?: string | undefined;
  /**
   * `error`: a migration that would leave rows without the row they reference is undone; rows that were so before
   * don't count. `off`: nobody looks. @default 'error'
   */
  readonly foreignKeyCheck?: 'error' | 'off' | undefined;
  /**
   * `error`: nothing is run when a migration was edited after it was applied (other line endings are no edit).
   * `ignore`: it counts as applied. @default 'error'
   */
  readonly onChanged?: OnChanged | undefined;
  /** How long to wait, in ms, while others, such as another process that migrates, hold a lock. @default 60000 */
  readonly lockTimeout?: number | undefined;
}

/** What was done to the database. */
export interface MigrationReport {
  /** Tags of the migrations that were applied now, in order. */
  readonly applied: readonly string[];
  /** How many were not, since they had been applied before or another process did it meanwhile. */
  readonly skipped: number;
  /** How long it took, waiting included. */
  readonly durationMs: number;
}

type ResolvedOptions = { readonly [K in keyof MigrationOptions]-?: NonNullable<MigrationOptions[K]> };

/**
 * Applies the migrations that a database has not seen, in their order, each in a transaction of its own, with foreign
 * keys off. While one process applies one, others wait, and then find it applied. When nothing is pending, no lock
 * is taken and nothing is written.
 *
 * @throws {@link MigrationError} when one was edited, can't be run in a transaction, fails, or breaks references;
 *   nothing of it is kept, those before it are
 * @throws {@link BusyError} when a lock could not be acquired within `lockTimeout`
 * @throws {@link ConfigError} naming the option that is wrong
 *
 * @example
 * ```ts
 * import { open } from '../index.js';
 * import { runMigrations } from './migrate.js';
 *
 * await using db = open('file:app.db');
 * const report = await runMigrations(db, [{ tag: '0000_users', when: 1, sql: 'create table users (name text)' }]);
 * console.log(report.applied); // ['0000_users'], and [] the next time
 * ```
 */
export async function runMigrations(
  database: Database,
  migrations: readonly Migration[],
  options: MigrationOptions = {},
): Promise<MigrationReport> {
  const start = performance.now();
  const resolved = resolveOptions(options);
  const applied = await new MigrationRun(database, await identifyMigrations(migrations), resolved).run();
  return {
    applied,
    skipped: migrations.length - applied.length,
    durationMs: Math.round(performance.now() - start),
  };
}

class MigrationRun {
  readonly #database: Database;
  readonly #migrations: readonly IdentifiedMigration[];
  readonly #options: ResolvedOptions;
  readonly #table: MigrationTable;

  constructor(database: Database, migrations: readonly IdentifiedMigration[], options: ResolvedOptions) {
    this.#database = database;
    this.#migrations = migrations;
    this.#options = options;
    this.#table = new MigrationTable(options.migrationsTable);
  }

  /** Tags of the migrations that it applied. */
  async run(): Promise<string[]> {
    const database = this.#database;
    const known = await this.#patiently(() =>
      this.#table.read((statement, values, request) =>
        database.bounded(undefined, async (abort) =>
          database.runStatement(statement, values, request, abort),
        ),
      ),
    );
    const pending = findPending(this.#migrations, known, this.#options.onChanged);
    // All are checked before the first is run.
    const parsed = pending.map((migration) => parseMigration(migration, database.statements));
    return parsed.length === 0
      ? []
      : await this.#withConnection((connection) => this.#applyAll(connection, parsed));
  }

  async #applyAll(connection: Connection, pending: readonly ParsedMigration[]): Promise<string[]> {
    const applied: string[] = [];
    for (const parsed of pending) {
      if (await this.#apply(connection, parsed)) applied.push(parsed.migration.tag);
    }
    return applied;
  }

  /** Applies one migration, unless another process did it since the table was read. */
  async #apply(connection: Connection, parsed: ParsedMigration): Promise<boolean> {
    const before = await readSettings(connection);
    return await settle(
      async () => {
        // In a transaction this pragma does nothing, so it comes first; with foreign keys on, a table that is
        // dropped to be built anew would take the rows that reference it along.
        if (!(await disableForeignKeys(connection))) refuseRebuild(parsed);
        return await this.#applyInTransaction(connection, parsed);
      },
      () => leaveAsBefore(connection, before, this.#database.config.features),
    );
  }

  async #applyInTransaction(connection: Connection, parsed: ParsedMigration): Promise<boolean> {
    await this.#patiently(() => connection.begin('immediate'));
    return await settle(
      async () => {
        if (!(await this.#isPending(connection, parsed.migration))) return false;
        const check = this.#options.foreignKeyCheck === 'error';
        const { migration } = parsed;
        const checked = { name: nameOf(migration), tag: migration.tag };
        const before = check ? await inspectForeignKeys(connection, checked) : undefined;
        await this.#runSteps(connection, parsed);
        if (before !== undefined) await refuseNewProblems(connection, checked, before);
        await this.#table.record(connection, parsed.migration);
        await this.#patiently(() => connection.commit());
        return true;
      },
      async () => {
        if (connection.inTransaction) await connection.rollback();
      },
    );
  }

  async #isPending(connection: Connection, { tag }: IdentifiedMigration): Promise<boolean> {
    const known = await this.#table.read((statement, values, request) =>
      connection.execute(statement, values, request),
    );
    return findPending(this.#migrations, known, this.#options.onChanged).some(
      (pending) => pending.tag === tag,
    );
  }

  async #runSteps(connection: Connection, parsed: ParsedMigration): Promise<void> {
    for (const step of parsed.steps) {
      if (!step.run) continue;
      try {
        const statement = withOwnTimeout(this.#database.context, step.statement);
        await this.#patiently(() =>
          step.savepoint === true
            ? connection.control(statement.text)
            : connection.execute(statement, [], { fetch: 'none' }),
        );
      } catch (error) {
        if (!(error instanceof DatabaseError)) throw error;
        throw stepError(parsed, step, error.message, error);
      }
    }
  }

  /** Calls `use` once with a connection of its own, however long others need theirs. */
  async #withConnection<T>(use: (connection: Connection) => Promise<T>): Promise<T> {
    const [outcome] = await this.#patiently(() =>
      this.#database.withConnection((connection) => Promise.allSettled([use(this.#bounded(connection))])),
    );
    if (outcome.status === 'rejected') throw outcome.reason;
    return outcome.value;
  }

  /** On a file nothing but locks is waited for, and a large table may take its time. */
  #bounded(connection: Connection): Connection {
    const { config, context } = this.#database;
    const { writes, interrupt } = config.features;
    if (writes === 'here' || interrupt !== true) return connection;
    return boundedConnection(connection, config.timeout, context.interrupts);
  }

  #patiently<T>(run: () => T | Promise<T>): Promise<T> {
    return waitWhileBusy(run, { timeout: this.#options.lockTimeout, abort: undefined });
  }
}

/** Runs `cleanup` after `run` in any case; the first failure is the one that is thrown. */
async function settle<T>(run: () => Promise<T>, cleanup: () => Promise<void>): Promise<T> {
  let result: T;
  try {
    result = await run();
  } catch (error) {
    await cleanUpAfter(error, cleanup);
    throw error;
  }
  await cleanup();
  return result;
}

function refuseRebuild(parsed: ParsedMigration): void {
  const step = parsed.steps.find(({ statement }) => dropsTable(statement));
  if (step === undefined) return;
  throw stepError(
    parsed,
    step,
    'foreign keys could not be turned off, so dropping a table would delete or change the rows that reference it',
  );
}

function resolveOptions(options: MigrationOptions): ResolvedOptions {
  const {
    migrationsTable = '__drizzle_migrations',
    foreignKeyCheck = 'error',
    onChanged = 'error',
  } = options;
  const { lockTimeout = 60_000 } = options;
  const resolved: ResolvedOptions = { migrationsTable, foreignKeyCheck, onChanged, lockTimeout };
  for (const [key, value] of Object.entries(options)) {
    if (value !== undefined && !(key in resolved)) throw new ConfigError(key, 'unknown key');
  }
  if (typeof migrationsTable !== 'string' || migrationsTable === '' || migrationsTable.includes('\0')) {
    throw new ConfigError('migrationsTable', 'expected the name of a table');
  }
  if (foreignKeyCheck !== 'error' && foreignKeyCheck !== 'off') {
    throw new ConfigError('foreignKeyCheck', "expected 'error' or 'off'");
  }
  if (onChanged !== 'error' && onChanged !== 'ignore') {
    throw new ConfigError('onChanged', "expected 'error' or 'ignore'");
  }
  if (!Number.isInteger(lockTimeout) || lockTimeout < 0 || lockTimeout > 2 ** 31 - 1) {
    throw new ConfigError('lockTimeout', 'expected a whole number of ms, 0 or more');
  }
  return resolved;
}
