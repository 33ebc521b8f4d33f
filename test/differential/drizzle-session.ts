import { and, type Column, eq, gte, lt, ne, type SQL, sql } from 'drizzle-orm';
import { alias, customType, sqliteTable } from 'drizzle-orm/sqlite-core';
import { drizzle, insertMany, migrate, type TursoDatabase } from '../../src/dialect/drizzle/index.js';
import type { ResultSet } from '../../src/index.js';
import { collect } from '../support/outcome.js';
import { CoreSession, textOf, whole } from './core-session.js';
import { rowsOf } from './kysely-session.js';
import { MapCache } from './map-cache.js';
import { type Outcome, ofResult, outcomeOf, type Session, type StepOutcome } from './outcome.js';
import type { Random } from './random.js';
import type { BuilderQuery, Operator, Statement, Step } from './statement.js';

/** A column without a type: what is stored is what comes back. */
const anything = customType<{ data: unknown; driverData: unknown }>({ dataType: () => '' });

/** Tables are only known when the case is. */
// oxlint-disable-next-line typescript/no-explicit-any -- see above
type Any = any;

const OPERATORS: Readonly<Record<Operator, (column: Column, value: unknown) => SQL>> = {
  '=': eq,
  '<>': ne,
  '<': lt,
  '>=': gte,
};

/** Drizzle on a database. */
export class DrizzleSession implements Session {
  readonly #core: CoreSession;
  readonly #db: TursoDatabase;
  readonly #cache: MapCache | undefined;

  constructor(core: CoreSession, cached: boolean) {
    this.#core = core;
    this.#cache = cached ? new MapCache() : undefined;
    this.#db = drizzle({ client: core.db, ...(this.#cache && { cache: this.#cache }) });
  }

  async run(step: Step, random: Random): Promise<StepOutcome> {
    this.#cache?.clear();
    switch (step.mode) {
      case 'built': {
        const outcome = await this.#built(step.query, random);
        return { path: outcome.path, outcomes: [outcome] };
      }
      case 'single': {
        const text = toSql(step.statements[0]);
        if (text === undefined) return await this.#core.run(step, random);
        const outcome = await this.#raw(text, random);
        return { path: outcome.path, outcomes: [outcome] };
      }
      case 'many':
        return await whole('insertMany', () =>
          insertMany(this.#db, tableOf(step.table, step.columns), rowsOf(step) as never, {
            batchSize: step.batchSize,
          }),
        );
      case 'migrate':
        return await whole('migrate', () => this.#migrate(step));
      default:
        return await this.#core.run(step, random);
    }
  }

  look(text: string): Promise<unknown[][]> {
    return this.#core.look(text);
  }

  close(): Promise<void> {
    return this.#core.close();
  }

  async #migrate({ id, statements }: { readonly id: number; readonly statements: readonly Statement[] }) {
    const migrationsTable = '__drizzle_m';
    try {
      const migrations = [{ tag: `m${id}`, when: 1, sql: textOf(statements) }];
      await migrate(this.#db, { migrations, migrationsTable });
    } finally {
      // Only what the migration itself does is compared.
      await this.#db.run(`drop table if exists ${migrationsTable}`);
    }
  }

  async #raw(text: SQL, random: Random): Promise<Outcome> {
    const db = this.#db;
    const path = random.pick(['run', 'all', 'values', 'batch', 'stream']);
    return await outcomeOf(`drizzle ${path}`, async () => {
      switch (path) {
        case 'run':
          return ofResult(await db.run(text));
        case 'all':
          return { rows: await db.all(text), form: 'object' };
        case 'values':
          return { rows: await db.values(text), form: 'array' };
        case 'stream':
          return {
            rows: await collect(db.stream(db.all<Record<string, unknown>>(text) as Any)),
            form: 'object',
          };
        default: {
          const [outcome] = await db.batch([db.run(text)], { atomic: false });
          if (outcome.status !== 'fulfilled') throw outcome.reason;
          return ofResult(outcome.value as ResultSet);
        }
      }
    });
  }

  async #built(query: BuilderQuery, random: Random): Promise<Outcome> {
    const built = buildWithDrizzle(this.#db, query) as Any;
    const select = query.op === 'select';
    const paths = [
      'query',
      'query',
      'prepared query',
      ...(select ? ['stream of a query'] : []),
      ...(select && this.#cache ? ['cached query'] : []),
    ];
    const path = random.pick(paths);
    return await outcomeOf(`drizzle ${path}`, async () => {
      if (path === 'stream of a query')
        return { rows: valuesOf(await collect(this.#db.stream(built))), form: 'array', narrow: true };
      if (path === 'cached query') {
        await built.$withCache();
        return {
          rows: valuesOf(await (buildWithDrizzle(this.#db, query) as Any).$withCache()),
          form: 'array',
          narrow: true,
        };
      }
      const result: unknown = path === 'query' ? await built : await built.prepare().execute();
      if (Array.isArray(result)) return { rows: valuesOf(result), form: 'array', narrow: true };
      const { rowsAffected: changes, lastInsertRowid } = result as ResultSet;
      return { changes, rowid: { is: lastInsertRowid } };
    });
  }
}

function valuesOf(rows: unknown[]): unknown[][] {
  return rows.map((row) => Object.values(row as object));
}

function tableOf(name: string, columns: readonly string[]) {
  return sqliteTable(name, Object.fromEntries(columns.map((column) => [column, anything(column)])));
}

/** Parameters by position only. */
function toSql({ sql: text, args }: Statement): SQL | undefined {
  if (!Array.isArray(args)) return undefined;
  const pieces = text.split('?');
  if (pieces.length !== args.length + 1 || /\?\d/.test(text)) return undefined;
  const chunks = pieces.flatMap((piece, i) =>
    i === 0 ? [sql.raw(piece)] : [sql`${args[i - 1]}`, sql.raw(piece)],
  );
  return sql.join(chunks);
}

function buildWithDrizzle(db: TursoDatabase, query: BuilderQuery): unknown {
  if (query.op === 'select') return selectOf(db, query);
  const names =
    query.op === 'insert'
      ? query.columns
      : [...new Set([...query.columns, ...query.where.map(([name]) => name)])];
  const table = tableOf(query.table, names);
  const returned = Object.fromEntries(query.columns.map((column) => [column, columnOf(table, column)]));
  if (query.op === 'insert') {
    let insert: Any = db.insert(table).values(rowsOf(query) as never);
    const { conflict } = query;
    if (conflict === 'nothing') insert = insert.onConflictDoNothing();
    else if (conflict !== 'none') {
      const target = conflict.map((column) => columnOf(table, column));
      insert = insert.onConflictDoUpdate({
        target,
        set: { [query.columns[0] as string]: query.rows[0]?.[0] },
      });
    }
    return query.returning ? insert.returning(returned) : insert;
  }
  const set = Object.fromEntries(query.columns.map((column, i) => [column, query.values[i]]));
  const base: Any = query.op === 'update' ? db.update(table).set(set as never) : db.delete(table);
  const ended = base.where(
    and(
      ...query.where.map(([column, operator, value]) => OPERATORS[operator](columnOf(table, column), value)),
    ),
  );
  return query.returning ? ended.returning(returned) : ended;
}

function selectOf(
  db: TursoDatabase,
  { table, columns, where, orderBy, limit, join }: BuilderQuery & { op: 'select' },
): unknown {
  const x = alias(tableOf(table, columns), 'x');
  const fields: Record<string, Column> = Object.fromEntries(
    columns.map((column) => [column, columnOf(x, column)]),
  );
  const y = join === undefined ? undefined : alias(tableOf(join.table, [join.right]), 'y');
  if (y !== undefined && join !== undefined) fields['the other'] = columnOf(y, join.right);
  let select: Any = db.select(fields as Any).from(x);
  if (y !== undefined && join !== undefined)
    select = select.innerJoin(y, eq(columnOf(x, join.left), columnOf(y, join.right)));
  select = select.where(
    and(...where.map(([column, operator, value]) => OPERATORS[operator](columnOf(x, column), value))),
  );
  select = select.orderBy(...orderBy.map((column) => columnOf(x, column)));
  return limit === undefined ? select : select.limit(limit);
}

/** The tables were made of these names. */
function columnOf(table: object, name: string): Column {
  return (table as Record<string, Column>)[name] as Column;
}
