import {
  and,
  asc,
  type Column,
  desc,
  type ExtractTablesWithRelations,
  eq,
  getTableColumns,
  gt,
  inArray,
  isNull,
  like,
  lt,
  ne,
  type SQL,
  sql,
} from 'drizzle-orm';
import type { BatchItem } from 'drizzle-orm/batch';
import {
  blob,
  customType,
  integer,
  numeric,
  real,
  type SQLiteTable,
  sqliteTable,
  text,
  uniqueIndex,
} from 'drizzle-orm/sqlite-core';
import { drizzle, TursoDatabase, type TursoTransaction } from '../../../src/dialect/drizzle/index.js';
import type { BuiltQuery, ResultSet } from '../../../src/index.js';
import type { BuilderUnderTest, Condition, Operation, Outcome, Row, Select, Session } from '../builders.js';
import { Increment, Slot } from '../builders.js';
import type { TableName } from '../schema.js';

/** A column without a type: what is stored is what comes back. */
const anything = customType<{ data: unknown; driverData: unknown }>({ dataType: () => '' });

const accounts = sqliteTable('accounts', {
  id: integer().primaryKey(),
  name: text().notNull().unique(),
  balance: real().notNull().default(0),
  note: text(),
});

const entries = sqliteTable(
  'entries',
  {
    id: integer().primaryKey({ autoIncrement: true }),
    account: integer()
      .notNull()
      .references(() => accounts.id, { onDelete: 'cascade' }),
    slug: text().notNull(),
    parent: text().notNull().default(''),
    amount: integer().notNull(),
  },
  (table) => [uniqueIndex('entries_slug_parent_index').on(table.slug, table.parent)],
);

const samples = sqliteTable('samples', {
  id: integer().primaryKey(),
  i: integer(),
  r: real(),
  t: text(),
  b: blob({ mode: 'buffer' }),
  n: numeric(),
  a: anything(),
});

const order = sqliteTable('order', { group: text().primaryKey(), select: integer(), User: text() });

const tables: Record<TableName, SQLiteTable> = { accounts, entries, samples, order };

type Handle =
  | TursoDatabase
  | TursoTransaction<Record<string, never>, ExtractTablesWithRelations<Record<string, never>>>;

/** A query of Drizzle: awaited it runs, and it can be an item of a batch. */
type Query = BatchItem<'sqlite'> & PromiseLike<unknown> & { prepare(): PreparedLike };

interface PreparedLike {
  execute(values?: Row): Promise<unknown>;
}

/** Drizzle with typed tables, on the database that was opened for the test. */
export const drizzleBuilder: BuilderUnderTest = {
  name: 'drizzle',
  bare: false,
  on: (database) => {
    const db = drizzle({ client: database });
    return {
      ...sessionOn(db),
      settle: async (operations, options) => {
        const outcomes = await db.batch(toBatch(db, operations), { ...options, atomic: false });
        return outcomes.map((outcome, i) =>
          outcome.status === 'fulfilled'
            ? { status: 'fulfilled', value: toOutcome(outcome.value, operations[i] as Operation) }
            : outcome,
        );
      },
    };
  },
};

function sessionOn(db: Handle): Session {
  return {
    run: async (operation) => toOutcome(await toQuery(db, operation), operation),
    values: (text, args) => db.values(rawSql(text, args)),
    stream: (operation, options) => {
      const query =
        operation.op === 'raw' ? db.all<Row>(rawSql(operation.sql, operation.args)) : toQuery(db, operation);
      return db.stream(query as unknown as { all(): Promise<Row[]> }, options);
    },
    prepare: (operation) => {
      const prepared = toQuery(db, operation).prepare();
      return { run: async (values) => toOutcome(await prepared.execute(values), operation) };
    },
    batch: async (operations, options) => {
      const items = toBatch(db, operations);
      const results = db instanceof TursoDatabase ? await db.batch(items, options) : await db.batch(items);
      return results.map((result, i) => toOutcome(result, operations[i] as Operation));
    },
    count: (table, where) => db.$count(tables[table], conditions(db, table, where)),
    transaction: (callback, options) =>
      db instanceof TursoDatabase
        ? db.transaction((tx) => callback(sessionOn(tx)), options)
        : db.transaction((tx) => callback(sessionOn(tx))),
    client: async () => db.$client,
    built: (operation) => toQuery(db, operation) as unknown as BuiltQuery,
  };
}

function toOutcome(result: unknown, operation: Operation): Outcome {
  if (Array.isArray(result)) return { rows: result, rowsAffected: undefined, lastInsertRowid: undefined };
  const { rows, rowsAffected, lastInsertRowid } = result as ResultSet;
  return { rows: operation.op === 'raw' ? rows : undefined, rowsAffected, lastInsertRowid };
}

function toBatch(db: Handle, operations: readonly Operation[]): [BatchItem<'sqlite'>] {
  // Drizzle's tuple type says that a batch is not empty.
  return operations.map((operation) => toQuery(db, operation)) as unknown as [BatchItem<'sqlite'>];
}

/** The cast: each builder is awaitable, and its result is looked at by `toOutcome` alone. */
function toQuery(db: Handle, operation: Operation): Query {
  return build(db, operation) as unknown as Query;
}

function build(db: Handle, operation: Operation): unknown {
  switch (operation.op) {
    case 'raw':
      return db.run(rawSql(operation.sql, operation.args));
    case 'insert': {
      const { into, rows, onConflict, returning } = operation;
      const insert = db.insert(tables[into]).values(withSlots([...rows]));
      if (onConflict !== undefined) {
        const target = onConflict.target.map((key) => column(into, key));
        const { update } = onConflict;
        // The columns of `tables` are those of SQLite.
        if (update === 'nothing') insert.onConflictDoNothing({ target: target as never });
        else insert.onConflictDoUpdate({ target: target as never, set: setOf(into, update) });
      }
      return returning ? insert.returning() : insert;
    }
    case 'select':
      return buildSelect(db, operation);
    case 'update': {
      const { table, set, where, returning } = operation;
      const update = db
        .update(tables[table])
        .set(setOf(table, set))
        .where(conditions(db, table, where));
      return returning ? update.returning() : update;
    }
    case 'delete': {
      const { from, where, returning } = operation;
      const removal = db.delete(tables[from]).where(conditions(db, from, where));
      return returning ? removal.returning() : removal;
    }
  }
}

function buildSelect(db: Handle, { from, columns, where, orderBy = [], limit, offset }: Select) {
  const fields = Object.fromEntries(
    (columns ?? Object.keys(getTableColumns(tables[from]))).map((key) => [key, column(from, key)]),
  );
  const query = db
    .select(fields as never)
    .from(tables[from])
    .where(conditions(db, from, where))
    .orderBy(...orderBy.map(([key, way]) => (way === 'asc' ? asc : desc)(column(from, key))))
    .$dynamic();
  // Drizzle writes an OFFSET without LIMIT as it is told, which SQLite refuses.
  if (limit !== undefined || offset !== undefined) query.limit((slotted(limit) as number | undefined) ?? -1);
  if (offset !== undefined) query.offset(offset);
  return query;
}

function conditions(db: Handle, table: TableName, where: readonly Condition[] = []): SQL | undefined {
  return and(...where.map((condition) => toSql(db, column(table, condition.column), condition)));
}

function toSql(db: Handle, field: Column, condition: Condition): SQL {
  switch (condition.is) {
    case 'null':
      return isNull(field);
    case 'in':
      return inArray(field, condition.values);
    case 'in query':
      return inArray(field, buildSelect(db, condition.query) as unknown as SQL);
    case 'like':
      return like(field, slotted(condition.value) as string);
    default: {
      const compare = { '=': eq, '<>': ne, '<': lt, '>': gt }[condition.is];
      return compare(field, slotted(condition.value));
    }
  }
}

function setOf(table: TableName, set: Row): Row {
  const entries = Object.entries(set).map(([key, value]) => [
    key,
    value instanceof Increment ? sql`${column(table, key)} + ${value.by}` : slotted(value),
  ]);
  return Object.fromEntries(entries);
}

function withSlots(rows: Row[]): Row[] {
  return rows.map((row) =>
    Object.fromEntries(Object.entries(row).map(([key, value]) => [key, slotted(value)])),
  );
}

function slotted(value: unknown): unknown {
  return value instanceof Slot ? sql.placeholder(value.name) : value;
}

function column(table: TableName, key: string): Column {
  return getTableColumns(tables[table])[key] as Column;
}

/** SQL as it is, whose every `?` is a parameter. */
function rawSql(text: string, args: readonly unknown[] = []): SQL {
  const [first, ...rest] = text.split('?');
  if (rest.length !== args.length) throw new Error('one argument for each question mark');
  return sql.join([
    sql.raw(first as string),
    ...rest.flatMap((part, i) => [sql`${sql.param(args[i])}`, sql.raw(part)]),
  ]);
}
