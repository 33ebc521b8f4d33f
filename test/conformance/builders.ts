import type {
  BatchOptions,
  BatchOutcome,
  Database,
  ExplainedQuery,
  StreamOptions,
  Transaction,
  TransactionOptions,
} from '../../src/index.js';
import { coreBuilder } from './builders/core.js';
import { drizzleBuilder } from './builders/drizzle.js';
import { kyselyBuilder } from './builders/kysely.js';
import type { TableName } from './schema.js';

/** A row by column name. */
export type Row = Record<string, unknown>;

/** A parameter of a prepared operation, given when it is run. */
export class Slot {
  readonly name: string;

  constructor(name: string) {
    this.name = name;
  }
}

/** In an update: the column's own value and this much more. */
export class Increment {
  readonly by: number;

  constructor(by: number) {
    this.by = by;
  }
}

export type Condition =
  | { readonly column: string; readonly is: '=' | '<>' | '<' | '>' | 'like'; readonly value: unknown }
  | { readonly column: string; readonly is: 'null' }
  | { readonly column: string; readonly is: 'in'; readonly values: readonly unknown[] }
  | { readonly column: string; readonly is: 'in query'; readonly query: Select };

export interface Insert {
  readonly op: 'insert';
  readonly into: TableName;
  readonly rows: readonly Row[];
  readonly returning?: boolean;
  readonly onConflict?: { readonly target: readonly string[]; readonly update: Row | 'nothing' };
}

export interface Select {
  readonly op: 'select';
  readonly from: TableName;
  readonly columns?: readonly string[];
  readonly where?: readonly Condition[];
  readonly orderBy?: readonly (readonly [column: string, direction: 'asc' | 'desc'])[];
  readonly limit?: number | Slot;
  readonly offset?: number;
}

export interface Update {
  readonly op: 'update';
  readonly table: TableName;
  readonly set: Row;
  readonly where?: readonly Condition[];
  readonly returning?: boolean;
}

export interface Delete {
  readonly op: 'delete';
  readonly from: TableName;
  readonly where?: readonly Condition[];
  readonly returning?: boolean;
}

/** SQL as it is; each `?` in it is a parameter, so it has none in literals. */
export interface Raw {
  readonly op: 'raw';
  readonly sql: string;
  readonly args?: readonly unknown[];
}

/** A query as data, which each builder turns into its own. */
export type Operation = Insert | Select | Update | Delete | Raw;

/** What a query gave. */
export interface Outcome {
  /** Undefined for a write without RETURNING. */
  readonly rows: Row[] | undefined;
  /** Undefined where the builder tells only the rows. */
  readonly rowsAffected: number | undefined;
  readonly lastInsertRowid: bigint | undefined;
}

export interface Prepared {
  run(values: Row): Promise<Outcome>;
}

/** What a database and a transaction of a builder have in common. */
export interface Session {
  run(operation: Operation): Promise<Outcome>;
  /** Rows as arrays. */
  values(sql: string, args?: readonly unknown[]): Promise<unknown[][]>;
  stream(
    operation: Operation,
    options?: Omit<StreamOptions, 'rowMode'>,
  ): AsyncGenerator<Row, void, undefined>;
  prepare(operation: Operation): Prepared;
  /** All or nothing. */
  batch(operations: readonly Operation[], options?: BatchOptions): Promise<Outcome[]>;
  count(table: TableName, where?: readonly Condition[]): Promise<number>;
  transaction<T>(callback: (tx: Session) => Promise<T>, options?: TransactionOptions): Promise<T>;
  /** What the queries run on, where everything below the query builder is. */
  client(): Promise<Client>;
  /** The same query as a builder makes it, for `explain()`. */
  built(operation: Operation): ExplainedQuery;
}

/** The database, or the open transaction. */
export type Client = Database | Transaction;

/** A database of a builder. */
export interface RootSession extends Session {
  /** Each on its own. */
  settle(operations: readonly Operation[], options?: BatchOptions): Promise<BatchOutcome<Outcome>[]>;
}

/** One way to use the package. A further builder is one more file in `builders/`. */
export interface BuilderUnderTest {
  readonly name: string;
  /** Whether it is the bare `Database`, for which alone the cases about its own methods are run. */
  readonly bare: boolean;
  on(database: Database): RootSession;
}

const only = process.env.CONFORMANCE_BUILDERS?.split(',');

/** Every builder that the suite runs through. */
export const builders: readonly BuilderUnderTest[] = [coreBuilder, drizzleBuilder, kyselyBuilder].filter(
  ({ name }) => only?.includes(name) ?? true,
);
