import type { SqlStatement, ResultSet, Transaction } from '../../../src/index.js';
import { Database } from '../../../src/index.js';
import type { BuilderUnderTest, Condition, Operation, Outcome, Session } from '../builders.js';
import { Increment, Slot } from '../builders.js';
import { COLUMNS } from '../schema.js';

/** No builder: SQL written here, run by the bare `Database`. */
export const coreBuilder: BuilderUnderTest = {
  name: 'core',
  bare: true,
  on: (database) => ({
    ...sessionOn(database),
    settle: async (operations, options) => {
      const outcomes = await database.batch(operations.map(toStatement), { ...options, atomic: false });
      return outcomes.map((outcome, i) =>
        outcome.status === 'fulfilled'
          ? { status: 'fulfilled', value: toOutcome(outcome.value, operations[i] as Operation) }
          : outcome,
      );
    },
  }),
};

function sessionOn(executor: Database | Transaction): Session {
  return {
    run: async (operation) => {
      const { sql, args } = toStatement(operation);
      return toOutcome(await executor.execute(sql, args), operation);
    },
    values: async (sql, args = []) => (await executor.execute(sql, args, { rowMode: 'array' })).rows,
    stream: (operation, options) => {
      const { sql, args } = toStatement(operation);
      return executor.stream(sql, args, options);
    },
    prepare: (operation) => {
      const { sql } = compile(operation, (slot) => `:${slot.name}`);
      const statement = executor.prepare(sql);
      return { run: async (values) => toOutcome(await statement.run(values), operation) };
    },
    batch: async (operations, options) => {
      const results = await executor.batch(operations.map(toStatement), { ...options, atomic: true });
      return results.map((result, i) => toOutcome(result, operations[i] as Operation));
    },
    count: async (table, where) => {
      const { sql, args } = toStatement({ op: 'select', from: table, ...(where && { where }) });
      const { rows } = await executor.execute<{ n: number }>(`select count(*) as n from (${sql})`, args);
      return (rows[0] as { n: number }).n;
    },
    transaction: (callback, options) =>
      executor instanceof Database
        ? executor.transaction((tx) => callback(sessionOn(tx)), options)
        : executor.transaction((tx) => callback(sessionOn(tx))),
    client: async () => executor,
    built: (operation) => {
      const { sql, args } = toStatement(operation);
      return { toSQL: () => ({ sql, params: args }) };
    },
  };
}

function toOutcome(result: ResultSet, operation: Operation): Outcome {
  const { rows, rowsAffected, lastInsertRowid } = result;
  const hasRows = operation.op === 'select' || operation.op === 'raw' || operation.returning === true;
  return { rows: hasRows ? rows : undefined, rowsAffected, lastInsertRowid };
}

function toStatement(operation: Operation): SqlStatement & { args: unknown[] } {
  return compile(operation, (slot) => {
    throw new Error(`the operation is not prepared, and has a slot "${slot.name}"`);
  });
}

function compile(operation: Operation, placeSlot: (slot: Slot) => string): { sql: string; args: unknown[] } {
  const args: unknown[] = [];
  const value = (given: unknown): string => {
    if (given instanceof Slot) return placeSlot(given);
    args.push(given);
    return '?';
  };
  return { sql: write(operation, value), args };
}

type WriteValue = (given: unknown) => string;

function write(operation: Operation, value: WriteValue): string {
  switch (operation.op) {
    case 'raw':
      for (const arg of operation.args ?? []) value(arg);
      return operation.sql;
    case 'insert': {
      const { into, rows, onConflict, returning } = operation;
      const keys = COLUMNS[into].filter((column) => rows.some((row) => column in row));
      const tuples = rows.map((row) => `(${keys.map((key) => value(row[key])).join(', ')})`);
      let sql = `insert into ${name(into)} (${keys.map(name).join(', ')}) values ${tuples.join(', ')}`;
      if (onConflict !== undefined) {
        const { target, update } = onConflict;
        sql += ` on conflict (${target.map(name).join(', ')}) do `;
        sql += update === 'nothing' ? 'nothing' : `update set ${writeSet(update, value)}`;
      }
      return returning ? `${sql} returning *` : sql;
    }
    case 'select': {
      const { from, columns, where, orderBy = [], limit, offset } = operation;
      let sql = `select ${columns?.map(name).join(', ') ?? '*'} from ${name(from)}${writeWhere(where, value)}`;
      if (orderBy.length > 0)
        sql += ` order by ${orderBy.map(([key, way]) => `${name(key)} ${way}`).join(', ')}`;
      if (limit !== undefined || offset !== undefined) sql += ` limit ${value(limit ?? -1)}`;
      return offset === undefined ? sql : `${sql} offset ${value(offset)}`;
    }
    case 'update': {
      const { table, set, where, returning } = operation;
      const sql = `update ${name(table)} set ${writeSet(set, value)}${writeWhere(where, value)}`;
      return returning ? `${sql} returning *` : sql;
    }
    case 'delete': {
      const { from, where, returning } = operation;
      const sql = `delete from ${name(from)}${writeWhere(where, value)}`;
      return returning ? `${sql} returning *` : sql;
    }
  }
}

function writeSet(set: Readonly<Record<string, unknown>>, value: WriteValue): string {
  return Object.entries(set)
    .map(([key, to]) =>
      to instanceof Increment
        ? `${name(key)} = ${name(key)} + ${value(to.by)}`
        : `${name(key)} = ${value(to)}`,
    )
    .join(', ');
}

function writeWhere(where: readonly Condition[] | undefined, value: WriteValue): string {
  if (where === undefined || where.length === 0) return '';
  return ` where ${where.map((condition) => writeCondition(condition, value)).join(' and ')}`;
}

function writeCondition(condition: Condition, value: WriteValue): string {
  const column = name(condition.column);
  switch (condition.is) {
    case 'null':
      return `${column} is null`;
    case 'in':
      return `${column} in (${condition.values.map(value).join(', ')})`;
    case 'in query':
      return `${column} in (${write(condition.query, value)})`;
    default:
      return `${column} ${condition.is} ${value(condition.value)}`;
  }
}

function name(identifier: string): string {
  return `"${identifier}"`;
}
