import { makeDdl, makeMigration } from './ddl.js';
import { Random } from './random.js';
import { makeSchema, type Schema, stored } from './schema.js';
import { makeSelect, type Scope } from './select.js';
import {
  type BuilderQuery,
  type Case,
  type Operator,
  type Statement,
  type Step,
  Values,
} from './statement.js';
import { valueFor, type ValueRange } from './values.js';
import { makeLook, makeMistake, makeWrite, settable, writable } from './write.js';

/** How many steps a case has. */
const STEPS = 22;
/** How many rows are written before the first of them. */
const ROWS = 14;

/** Everything that is done in one case, from its seed alone. */
export function makeCase(seed: number): Case {
  const random = new Random(seed);
  const { schema, statements } = makeSchema(random);
  const generator = new Generator(random, schema, {
    wild: random.chance(0.3),
    big: random.chance(0.4),
    greatest: false,
  });
  const setup: Statement[] = statements.map((sql) => ({ sql, args: [] }));
  for (let i = 0; i < ROWS; i++) setup.push(generator.write(true));
  const steps = random.list(STEPS, (id) => generator.step(id)).flat();
  return { seed, setup, steps };
}

class Generator {
  readonly #random: Random;
  readonly #schema: Schema;
  readonly #range: ValueRange;

  constructor(random: Random, schema: Schema, range: ValueRange) {
    this.#random = random;
    this.#schema = schema;
    this.#range = range;
  }

  step(id: number): Step[] {
    const random = this.#random;
    return random.weighted<() => Step[]>([
      [9, () => [{ id, mode: 'single', statements: [this.#read(random.chance(0.3))] }]],
      [9, () => [{ id, mode: 'single', statements: [this.write(random.chance(0.3))] }]],
      [1, () => [{ id, mode: 'single', statements: [this.#compose(true, makeMistake)] }]],
      [1.5, () => [{ id, mode: 'single', statements: [this.#compose(true, makeLook)] }]],
      [1, () => this.#ddl(id, 'single')],
      [2.5, () => this.#ddl(id, 'elsewhere')],
      [2, () => [{ id, mode: 'batch', statements: this.#several(false) }]],
      [2, () => [{ id, mode: 'script', statements: this.#several(true) }]],
      [2.5, () => [this.#transaction(id)]],
      [
        0.5,
        () => [{ id, mode: 'migrate', statements: makeMigration(random, this.#schema).map(toStatement) }],
      ],
      [1, () => [this.#many(id)]],
      [4, () => [{ id, mode: 'built', query: this.#built() }]],
    ])();
  }

  write(literal: boolean): Statement {
    return this.#compose(literal, makeWrite);
  }

  #read(literal: boolean): Statement {
    return this.#compose(literal, makeSelect, { ...this.#range, greatest: this.#range.big });
  }

  #compose(literal: boolean, make: (scope: Scope) => string, range = this.#range): Statement {
    const values = new Values(this.#random, literal);
    const scope = {
      random: this.#random,
      schema: this.#schema,
      range,
      values,
      columns: [],
      depth: 2,
    };
    return values.finish(make(scope));
  }

  #ddl(id: number, mode: 'single' | 'elsewhere'): Step[] {
    const statements = makeDdl(this.#random, this.#schema).map(toStatement);
    return statements.map((statement, i) => ({ id: id + (i + 1) / 10, mode, statements: [statement] }));
  }

  #several(literal: boolean): Statement[] {
    const random = this.#random;
    return random
      .list(2 + random.int(3), () =>
        random.weighted<() => Statement[]>([
          [4, () => [this.write(literal)]],
          [3, () => [this.#read(literal)]],
          [0.3, () => [this.#compose(true, makeMistake)]],
          [0.6, () => [this.#compose(true, makeLook)]],
          [0.8, () => makeDdl(random, this.#schema).map(toStatement)],
        ])(),
      )
      .flat();
  }

  #transaction(id: number): Step {
    const random = this.#random;
    const statements = this.#several(false);
    const nestedFrom = random.chance(0.3) ? random.int(statements.length) : undefined;
    return { id, mode: 'transaction', statements, undo: random.chance(0.2), nestedFrom };
  }

  #many(id: number): Step {
    const random = this.#random;
    const table = random.pick(stored(this.#schema));
    const columns = settable(table);
    const types = columns.map((name) => table.columns.find((column) => column.name === name)?.type ?? '');
    const rows = random.list(1 + random.int(7), () =>
      types.map((type) => valueFor(random, type, this.#range, false)),
    );
    return { id, mode: 'many', table: table.name, columns, rows, batchSize: 1 + random.int(4) };
  }

  #built(): BuilderQuery {
    const random = this.#random;
    const table = random.pick(writable(this.#schema));
    const columns = settable(table);
    const typeOf = (name: string): string => table.columns.find((column) => column.name === name)?.type ?? '';
    const valueOf = (name: string) => valueFor(random, typeOf(name), this.#range, false);
    const where = random.list(random.int(3), () => {
      const column = random.pick(table.columns).name;
      return [column, random.pick<Operator>(['=', '<>', '<', '>=']), valueOf(column)] as const;
    });
    const op = random.weighted([
      [4, 'select'],
      [4, 'insert'],
      [table.kind === 'view' ? 0 : 2, 'update'],
      [table.kind === 'view' ? 0 : 1, 'delete'],
    ] as const);
    const returning = random.chance(0.4);
    if (op === 'select') {
      const other = random.pick(this.#schema.tables);
      const join = {
        table: other.name,
        left: random.pick(table.columns).name,
        right: random.pick(other.columns).name,
      };
      return {
        ...{ op, table: table.name, columns: table.columns.map(({ name }) => name), where },
        orderBy: random.chance(0.5) ? table.columns.map(({ name }) => name) : [],
        limit: random.chance(0.3) ? 1 + random.int(4) : undefined,
        join: random.chance(0.25) ? join : undefined,
      };
    }
    if (op === 'insert') {
      const conflict =
        table.uniques.length > 0 && random.chance(0.3)
          ? random.pick(table.uniques)
          : random.pick(['none', 'none', 'nothing'] as const);
      const rows = random.list(1 + random.int(3), () => columns.map(valueOf));
      return { op, table: table.name, columns, rows, conflict, returning };
    }
    const set = random.some(columns).slice(0, 2);
    return { op, table: table.name, columns: set, values: set.map(valueOf), where, returning };
  }
}

function toStatement(sql: string): Statement {
  return { sql, args: [] };
}
