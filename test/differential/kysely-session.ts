import { CompiledQuery, Kysely, type QueryResult, sql } from 'kysely';
import { batch, insertMany, TursoDialect, TursoTypesPlugin } from '../../src/dialect/kysely/index.js';
import type { Database } from '../../src/index.js';
import { Migrator } from '../support/kysely-migrator.js';
import { collect } from '../support/outcome.js';
import { type CoreSession, whole } from './core-session.js';
import { type Outcome, outcomeOf, type Session, type StepOutcome } from './outcome.js';
import type { Random } from './random.js';
import type { BuilderQuery, Statement, Step } from './statement.js';

/** Tables are only known when the case is. */
// oxlint-disable-next-line typescript/no-explicit-any -- see above
type Any = any;

/** Kysely on a database. */
export class KyselySession implements Session {
  readonly #core: CoreSession;
  readonly #kysely: Kysely<Any>;

  constructor(core: CoreSession) {
    this.#core = core;
    this.#kysely = kyselyOn(core.db);
  }

  async run(step: Step, random: Random): Promise<StepOutcome> {
    switch (step.mode) {
      case 'built':
        return one(await this.#built(step.query, random));
      case 'single': {
        const [{ sql: text, args }] = step.statements;
        if (!Array.isArray(args)) return await this.#core.run(step, random);
        return one(await this.#raw(CompiledQuery.raw(text, [...args]), random));
      }
      case 'many':
        return await whole('insertMany', () =>
          insertMany(this.#kysely, step.table, rowsOf(step), { batchSize: step.batchSize }),
        );
      case 'migrate':
        return await whole('migrator', () => this.#migrate(step));
      default:
        return await this.#core.run(step, random);
    }
  }

  look(text: string): Promise<unknown[][]> {
    return this.#core.look(text);
  }

  async close(): Promise<void> {
    await this.#kysely.destroy();
    await this.#core.close();
  }

  async #raw(query: CompiledQuery, random: Random): Promise<Outcome> {
    // What a failed write leaves in a transaction is not always what it leaves alone (SQLite 3.45: `cannot store`, MISMATCH).
    const read = /^\s*(?:select|values)\b/i.test(query.sql);
    const path = random.pick([
      'execute',
      'execute',
      'stream',
      'batch',
      ...(read ? (['transaction'] as const) : []),
    ]);
    return await outcomeOf(`kysely ${path}`, async () => {
      switch (path) {
        case 'stream': {
          const chunks = this.#kysely.getExecutor().stream(query, 2);
          const rows: unknown[] = [];
          for await (const chunk of chunks) rows.push(...chunk.rows);
          return { rows, form: 'last' };
        }
        case 'transaction':
          return ofQuery(query, await this.#kysely.transaction().execute((trx) => trx.executeQuery(query)));
        case 'batch': {
          const [outcome] = await batch(this.#kysely, [query], { atomic: false });
          if (outcome?.status !== 'fulfilled') throw outcome?.reason ?? new Error('no outcome');
          return { rows: outcome.value, form: 'last' };
        }
        default:
          return ofQuery(query, await this.#kysely.executeQuery(query));
      }
    });
  }

  async #built(query: BuilderQuery, random: Random): Promise<Outcome> {
    if (query.op === 'select' && query.join === undefined && random.chance(0.4))
      return await this.#typed(query);
    const built = buildWithKysely(this.#kysely, query);
    if (query.op === 'select' && random.chance(0.4)) {
      return await outcomeOf('kysely stream of a query', async () => ({
        rows: await collect(built.stream() as AsyncIterable<unknown>),
        form: 'last',
      }));
    }
    const compiled = built.compile() as CompiledQuery;
    return await outcomeOf('kysely query', async () =>
      ofQuery(compiled, await this.#kysely.executeQuery(compiled)),
    );
  }

  /** With values decoded by the declared types of their columns. */
  async #typed(query: BuilderQuery & { op: 'select' }): Promise<Outcome> {
    const known = await this.#core.look(`select name, type from pragma_table_xinfo('${query.table}')`);
    const types = query.columns.map(
      (column) => (known.find(([name]) => name === column)?.[1] as string | undefined) ?? '',
    );
    const db = this.#kysely.withPlugin(new TursoTypesPlugin());
    const outcome = await outcomeOf('kysely with types', async () => ({
      rows: await buildWithKysely(db, query).execute(),
      form: 'last',
    }));
    return { ...outcome, types };
  }

  async #migrate({
    id,
    statements,
  }: {
    readonly id: number;
    readonly statements: readonly Statement[];
  }): Promise<void> {
    const up = async (db: Kysely<Any>): Promise<void> => {
      for (const { sql: text } of statements) await sql.raw(text).execute(db);
    };
    const name = String(id).replace('.', '_');
    // Kysely compares the names of all migrations that were applied, so each step has tables of its own.
    const migrator = new Migrator({
      ...{ db: this.#kysely, provider: { getMigrations: async () => ({ [`m${id}`]: { up } }) } },
      ...{ migrationTableName: `kysely_m${name}`, migrationLockTableName: `kysely_l${name}` },
    } as never);
    const { error } = await migrator.migrateToLatest();
    // Only what the migration itself does is compared.
    await sql.raw(`drop table if exists kysely_m${name}`).execute(this.#kysely);
    await sql.raw(`drop table if exists kysely_l${name}`).execute(this.#kysely);
    if (error !== undefined) throw error;
  }
}

function one(outcome: Outcome): StepOutcome {
  return { path: outcome.path, outcomes: [outcome] };
}

/** With RETURNING Kysely's results have no `insertId`: the rows say it. */
function ofQuery(
  { sql: text }: CompiledQuery,
  { rows, numAffectedRows, insertId }: QueryResult<unknown>,
): Omit<Outcome, 'path'> {
  return {
    ...{ rows, form: 'last', changes: Number(numAffectedRows ?? 0n) },
    ...(!/\breturning\b/i.test(text) && { rowid: { is: insertId } }),
  };
}

export function kyselyOn(database: Database): Kysely<Any> {
  return new Kysely<Any>({ dialect: new TursoDialect({ database }) });
}

export function rowsOf(step: {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly unknown[])[];
}): Record<string, unknown>[] {
  return step.rows.map((row) => Object.fromEntries(step.columns.map((column, i) => [column, row[i]])));
}

const compiler = new Kysely<Any>({ dialect: new TursoDialect(':memory:') });

/** The SQL of a query that a builder makes; Kysely's, since all builders mean the same. */
export function compileBuilt(query: BuilderQuery): Statement {
  const { sql: text, parameters } = buildWithKysely(compiler, query).compile() as CompiledQuery;
  return { sql: text, args: parameters as Statement['args'] };
}

/** The query as Kysely builds it. */
export function buildWithKysely(db: Kysely<Any>, query: BuilderQuery): Any {
  switch (query.op) {
    case 'select':
      return selectOf(db, query);
    case 'insert': {
      let insert = db.insertInto(query.table).values(rowsOf(query) as Any) as Any;
      const { conflict } = query;
      if (conflict === 'nothing') insert = insert.onConflict((on: Any) => on.doNothing());
      else if (conflict !== 'none') {
        const [set] = query.columns;
        insert = insert.onConflict((on: Any) =>
          on.columns(conflict).doUpdateSet({ [set as string]: query.rows[0]?.[0] }),
        );
      }
      return query.returning ? insert.returning([...query.columns]) : insert;
    }
    case 'update': {
      const set = Object.fromEntries(query.columns.map((column, i) => [column, query.values[i]]));
      return ending(db.updateTable(query.table).set(set as Any), query);
    }
    case 'delete':
      return ending(db.deleteFrom(query.table), query);
  }
}

function ending(built: Any, query: BuilderQuery & { op: 'update' | 'delete' }): Any {
  let ended = built;
  for (const [column, operator, value] of query.where) ended = ended.where(column, operator, value);
  return query.returning ? ended.returning([...query.columns]) : ended;
}

function selectOf(
  db: Kysely<Any>,
  { table, columns, where, orderBy, limit, join }: BuilderQuery & { op: 'select' },
): Any {
  let select = db.selectFrom(`${table} as x`).select(columns.map((column) => `x.${column}`)) as Any;
  if (join !== undefined) {
    select = select
      .innerJoin(`${join.table} as y`, `x.${join.left}`, `y.${join.right}`)
      .select(`y.${join.right}`);
  }
  for (const [column, operator, value] of where) select = select.where(`x.${column}`, operator, value);
  for (const column of orderBy) select = select.orderBy(`x.${column}`);
  return limit === undefined ? select : select.limit(limit);
}
