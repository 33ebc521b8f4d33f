import {
  type Expression,
  type ExpressionBuilder,
  InsertResult,
  Kysely,
  type QueryResult,
  type SqlBool,
  sql,
  UpdateResult,
  DeleteResult,
} from 'kysely';
import { batch, clientOf, inBehavior, transaction, TursoDialect } from '../../../src/dialect/kysely/index.js';
import type { TransactionOptions } from '../../../src/index.js';
import type { BuilderUnderTest, Condition, Operation, Outcome, Row, Session } from '../builders.js';
import { Increment, Slot } from '../builders.js';

/** Every table with columns of any type: what is checked here is what happens, not what compiles. */
// oxlint-disable-next-line typescript/no-explicit-any -- as said
type AnyTables = Record<string, any>;
type Handle = Kysely<AnyTables>;

/** Kysely on the database that was opened for the test. */
export const kyselyBuilder: BuilderUnderTest = {
  name: 'kysely',
  bare: false,
  on: (database) => {
    const db: Handle = new Kysely<AnyTables>({ dialect: new TursoDialect({ database }) });
    return {
      ...sessionOn(db),
      settle: async (operations, options) => {
        const queries = operations.map((operation) => build(db, operation));
        const outcomes = await batch(db, queries, { ...options, atomic: false });
        return outcomes.map((outcome) =>
          outcome.status === 'fulfilled' ? { ...outcome, value: toOutcome(outcome.value) } : outcome,
        );
      },
    };
  },
};

function sessionOn(db: Handle): Session {
  return {
    run: async (operation) => toOutcome(await run(db, operation)),
    values: async (text, args) =>
      (await rawSql(text, args).execute(db)).rows.map((row) => Object.values(row)),
    stream: (operation, { batchSize, ...abort } = {}) => stream(db, operation, batchSize, abort),
    prepare: (operation) => ({
      run: async (values) => toOutcome(await run(db, fill(operation, values))),
    }),
    batch: async (operations, options) => {
      const queries = operations.map((operation) => build(db, operation));
      return (await batch(db, queries, options)).map(toOutcome);
    },
    count: async (table, where) => {
      const query = db
        .selectFrom(table)
        .select((eb) => eb.fn.countAll<number>().as('n'))
        .where(conditions(where));
      return (await query.executeTakeFirstOrThrow()).n as number;
    },
    transaction: (callback, options) => transact(db, (trx) => callback(sessionOn(trx)), options),
    client: () => clientOf(db),
    built: (operation) => {
      const query = build(db, operation);
      return 'isRawBuilder' in query ? { compile: () => query.compile(db) } : query;
    },
  };
}

/** Kysely's own transaction where it has what is asked for, else ours. */
async function transact<T>(
  db: Handle,
  callback: (trx: Handle) => Promise<T>,
  options: TransactionOptions = {},
): Promise<T> {
  const { behavior, ...others } = options;
  if (db.isTransaction || Object.keys(others).length > 0) return await transaction(db, callback, options);
  const handle = behavior === undefined ? db : inBehavior(db, behavior);
  return await handle.transaction().execute(callback);
}

/** Kysely 0.29 takes options, 0.28 ignores them. */
type StreamChunks = (
  query: unknown,
  chunkSize: number,
  options: object,
) => AsyncIterable<{ readonly rows: Row[] }>;

async function* stream(
  db: Handle,
  operation: Operation,
  chunkSize: number | undefined,
  abort: object,
): AsyncGenerator<Row, void, undefined> {
  const query = build(db, operation);
  if ('isRawBuilder' in query) {
    const compiled = query.compile(db);
    const executor: unknown = db.getExecutor();
    const { stream: streamChunks } = executor as { stream: StreamChunks };
    for await (const chunk of streamChunks.call(executor, compiled, chunkSize ?? 100, abort))
      yield* chunk.rows;
  } else if ('stream' in query) {
    // Kysely 0.28 takes only a number.
    const options = Object.keys(abort).length === 0 ? chunkSize : { chunkSize, ...abort };
    yield* query.stream(options as number) as AsyncIterable<Row>;
  }
}

function run(db: Handle, operation: Operation): Promise<unknown> {
  const query = build(db, operation);
  return 'isRawBuilder' in query ? query.execute(db) : query.execute();
}

function toOutcome(result: unknown): Outcome {
  if (!Array.isArray(result)) {
    const { rows, numAffectedRows, insertId } = result as QueryResult<Row>;
    return { rows, rowsAffected: Number(numAffectedRows ?? 0), lastInsertRowid: insertId };
  }
  const [first] = result as unknown[];
  if (first instanceof InsertResult) {
    const { insertId, numInsertedOrUpdatedRows } = first;
    return { rows: undefined, rowsAffected: Number(numInsertedOrUpdatedRows), lastInsertRowid: insertId };
  }
  if (first instanceof UpdateResult || first instanceof DeleteResult) {
    const changed = first instanceof UpdateResult ? first.numUpdatedRows : first.numDeletedRows;
    return { rows: undefined, rowsAffected: Number(changed), lastInsertRowid: undefined };
  }
  return { rows: result as Row[], rowsAffected: undefined, lastInsertRowid: undefined };
}

function build(db: Handle, operation: Operation) {
  switch (operation.op) {
    case 'raw':
      return rawSql(operation.sql, operation.args);
    case 'insert': {
      const { into, rows, onConflict, returning } = operation;
      let insert = db.insertInto(into).values([...rows] as Row[]);
      if (onConflict !== undefined) {
        const { target, update } = onConflict;
        insert = insert.onConflict((conflict) => {
          const columns = conflict.columns([...target]);
          return update === 'nothing' ? columns.doNothing() : columns.doUpdateSet(setOf(into, update));
        });
      }
      return returning ? insert.returningAll() : insert;
    }
    case 'select': {
      const { from, columns, where, orderBy = [], limit, offset } = operation;
      const all = db.selectFrom(from).where(conditions(where));
      let query = columns === undefined ? all.selectAll() : all.select([...columns]);
      for (const [column, direction] of orderBy) query = query.orderBy(column, direction);
      if (limit !== undefined) query = query.limit(limit as number);
      return offset === undefined ? query : query.offset(offset);
    }
    case 'update': {
      const { table, set, where, returning } = operation;
      const update = db.updateTable(table).set(setOf(table, set)).where(conditions(where));
      return returning ? update.returningAll() : update;
    }
    case 'delete': {
      const { from, where, returning } = operation;
      const removal = db.deleteFrom(from).where(conditions(where));
      return returning ? removal.returningAll() : removal;
    }
  }
}

type AnyBuilder = ExpressionBuilder<AnyTables, string>;

function conditions(where: readonly Condition[] = []): (eb: AnyBuilder) => Expression<SqlBool> {
  return (eb) => eb.and(where.map((condition) => toExpression(eb, condition)));
}

function toExpression(eb: AnyBuilder, condition: Condition): Expression<SqlBool> {
  switch (condition.is) {
    case 'null':
      return eb(condition.column, 'is', null);
    case 'in':
      return eb(condition.column, 'in', condition.values);
    case 'in query': {
      const { from, columns = [], where } = condition.query;
      return eb(
        condition.column,
        'in',
        eb
          .selectFrom(from)
          .select([...columns])
          .where(conditions(where)),
      );
    }
    default:
      return eb(condition.column, condition.is, condition.value);
  }
}

function setOf(table: string, set: Row): Row {
  return Object.fromEntries(
    Object.entries(set).map(([key, value]) => [
      key,
      value instanceof Increment ? sql`${sql.ref(`${table}.${key}`)} + ${value.by}` : value,
    ]),
  );
}

/** Kysely has no placeholders: a query is compiled for its values. */
function fill<T>(part: T, values: Row): T {
  if (part instanceof Slot) return values[part.name] as T;
  if (Array.isArray(part)) return part.map((item) => fill(item as unknown, values)) as T;
  if (typeof part !== 'object' || part === null || Object.getPrototypeOf(part) !== Object.prototype)
    return part;
  return Object.fromEntries(Object.entries(part).map(([key, value]) => [key, fill(value, values)])) as T;
}

/** SQL as it is, whose every `?` is a parameter. */
function rawSql(text: string, args: readonly unknown[] = []) {
  const parts = text.split('?');
  if (parts.length - 1 !== args.length) throw new Error('one argument for each question mark');
  return sql.join<Row>(
    parts.flatMap((part, i) => (i === 0 ? [sql.raw(part)] : [sql.val(args[i - 1]), sql.raw(part)])),
    sql.raw(''),
  ) as unknown as ReturnType<typeof sql<Row>>;
}
