import { type Config, checkBehavior, resolveConfig, type TransactionBehavior } from '../../config.js';
import { Database, open } from '../../database/database.js';
import { type ForeignClient, fromClient } from '../../database/from-client.js';
import { ConfigError } from '../../errors.js';

/** A database that is open already, and stays open after `destroy()`. */
export interface TursoDialectDatabase {
  readonly database: Database;
  readonly client?: undefined;
  /** How Kysely's transactions take their locks. @default the database's own `transactionBehavior` */
  readonly transactionBehavior?: TransactionBehavior | undefined;
}

/** As {@link TursoDialectDatabase}, under the name that `@libsql/kysely-libsql` has for it; or a client that was made elsewhere. */
export interface TursoDialectClient {
  readonly client: Database | ForeignClient;
  readonly database?: undefined;
  /** How Kysely's transactions take their locks. @default the database's own `transactionBehavior` */
  readonly transactionBehavior?: TransactionBehavior | undefined;
}

/** Where the database of a dialect comes from. */
export type TursoDialectSource = string | Config | Database | TursoDialectDatabase | TursoDialectClient;

/** Config of {@link TursoDialect}: a source, or a function that gives one when the database is first used. */
export type TursoDialectConfig =
  | TursoDialectSource
  | (() => TursoDialectSource | Promise<TursoDialectSource>);

/** What `LibsqlDialect` of `@libsql/kysely-libsql` takes: a config, or a client that stays open after `destroy()`. */
export type LibsqlDialectConfig = Config | TursoDialectClient;

/** The database of a dialect. */
export interface DialectDatabase {
  readonly database: Database;
  /** Whether the dialect opened it, and so has to close it. */
  readonly owned: boolean;
  readonly behavior: TransactionBehavior;
}

/** @throws {@link ConfigError} for what can be known to be wrong before anything is opened */
export function checkDialectConfig(config: TursoDialectConfig): void {
  if (typeof config === 'function') return;
  if (isGiven(config)) givenDatabase(config);
  else resolveConfig(config);
}

/** Opens the database, or takes the one that is given. */
export async function toDialectDatabase(config: TursoDialectConfig): Promise<DialectDatabase> {
  const source = typeof config === 'function' ? await config() : config;
  if (isGiven(source)) return givenDatabase(source);
  const database = open(source);
  return { database, owned: true, behavior: database.config.transactionBehavior };
}

type Given = Database | TursoDialectDatabase | TursoDialectClient;

function isGiven(source: TursoDialectSource): source is Given {
  if (typeof source !== 'object' || source === null) return false;
  return source instanceof Database || 'database' in source || 'client' in source;
}

function givenDatabase(source: Given): DialectDatabase {
  if (source instanceof Database) return given(source, undefined);
  const { database, client, transactionBehavior, ...others } = source;
  const [unknown] = Object.keys(others);
  if (unknown !== undefined) {
    throw new ConfigError(unknown, 'belongs to the database, which is open already; give it to open()');
  }
  if (database !== undefined && client !== undefined) {
    throw new ConfigError('client', 'contradicts "database"; give one of the two');
  }
  return given(fromClient(database ?? client), transactionBehavior);
}

function given(database: Database, wanted: TransactionBehavior | undefined): DialectDatabase {
  return { database, owned: false, behavior: checkBehavior(wanted, database.config.transactionBehavior) };
}
