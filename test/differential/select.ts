import type { Random } from './random.js';
import type { Schema, TableModel } from './schema.js';
import type { Values } from './statement.js';
import { anyValue, type Value, type ValueRange } from './values.js';

/** What a text is put together from. */
export interface Scope {
  readonly random: Random;
  readonly schema: Schema;
  readonly range: ValueRange;
  readonly values: Values;
  /** How expressions of this case name columns: with their table, where several are read. */
  readonly columns: readonly string[];
  readonly depth: number;
}

/** A SELECT of any shape. */
export function makeSelect(scope: Scope): string {
  const { random } = scope;
  const ctes = random.chance(0.2) ? makeCtes(scope) : undefined;
  const inner =
    ctes === undefined
      ? scope
      : { ...scope, schema: { ...scope.schema, tables: [...scope.schema.tables, ...ctes.tables] } };
  const width = random.chance(0.25) ? 1 + random.int(3) : undefined;
  const parts = random.chance(0.18) ? 2 + random.int(2) : 1;
  const cores = random.list(parts, () => makeCore(inner, parts > 1 ? (width ?? 2) : width));
  const operators = ['UNION ALL', 'UNION ALL', 'UNION', 'INTERSECT', 'EXCEPT'];
  const text = cores.map(({ sql }, i) => (i === 0 ? sql : `${random.pick(operators)} ${sql}`)).join(' ');
  return `${ctes?.sql ?? ''}${text}${makeOrder(scope, cores.at(-1) as Core)}`;
}

interface Core {
  readonly sql: string;
  /** How many columns, if that is known. */
  readonly width: number | undefined;
}

function makeOrder({ random, values }: Scope, { width, sql }: Core): string {
  // VALUES takes neither.
  if (sql.startsWith('VALUES')) return '';
  const limit = random.chance(0.25);
  const order = width !== undefined && (limit || random.chance(0.4));
  let text = '';
  if (order) {
    const terms = random.shuffled(random.list(width, (i) => i + 1));
    text += ` ORDER BY ${terms.map((term) => `${term}${random.pick(['', '', ' DESC', ' COLLATE NOCASE', ' NULLS LAST'])}`).join(', ')}`;
  }
  if (!limit) return text;
  text += ` LIMIT ${values.add(random.int(5) - (random.chance(0.1) ? 1 : 0))}`;
  return random.chance(0.3) ? `${text} OFFSET ${values.add(random.int(3))}` : text;
}

function makeCtes(scope: Scope): { readonly sql: string; readonly tables: TableModel[] } {
  const { random, values } = scope;
  if (random.chance(0.4)) {
    const table = modelOf('w', ['n']);
    return {
      sql: `WITH RECURSIVE w(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM w WHERE n < ${values.add(2 + random.int(6))}) `,
      tables: [table],
    };
  }
  const { sql, width } = makeCore(scope, 2);
  const names = random.list(width ?? 2, (i) => `k${i}`);
  const hint = random.pick(['', '', 'MATERIALIZED ', 'NOT MATERIALIZED ']);
  return { sql: `WITH w(${names.join(', ')}) AS ${hint}(${sql}) `, tables: [modelOf('w', names)] };
}

function modelOf(name: string, columns: readonly string[]): TableModel {
  return {
    ...{ name, kind: 'view', uniques: [], writable: false },
    columns: columns.map((column) => ({ name: column, type: '', generated: false, text: column })),
  };
}

/** One SELECT without ORDER BY; `width` is how many columns it must have. */
function makeCore(scope: Scope, width?: number): Core {
  const { random, schema } = scope;
  if (random.chance(0.06)) return makeValues(scope, width ?? 2);
  const [last] = schema.tables.slice(-1) as [TableModel];
  // A WITH is there to be read.
  const table = last.name === 'w' && random.chance(0.6) ? last : random.pick(schema.tables);
  const source = makeSource(scope, table);
  const inner: Scope = { ...scope, columns: source.columns };
  const where = random.chance(0.5) ? ` WHERE ${makeCondition(inner)}` : '';
  if (width === undefined && random.chance(0.3)) {
    const star = source.many && random.chance(0.4) ? `${source.alias}.*` : '*';
    return {
      sql: `SELECT ${star} FROM ${source.sql}${where}`,
      width: source.many ? undefined : table.columns.length,
    };
  }
  const count = width ?? 1 + random.int(4);
  if (random.chance(0.15)) return { sql: makeGrouped(inner, source.sql, where, count), width: count };
  const window = random.chance(0.12);
  const columns = random.list(count, () =>
    named(inner, window && random.chance(0.6) ? makeWindow(inner) : makeExpression(inner)),
  );
  const distinct = random.chance(0.1) ? 'DISTINCT ' : '';
  return { sql: `SELECT ${distinct}${columns.join(', ')} FROM ${source.sql}${where}`, width: count };
}

function makeValues(scope: Scope, width: number): Core {
  const { random } = scope;
  const inner: Scope = { ...scope, columns: [] };
  const row = (): string => `(${random.list(width, () => makeValue(inner)).join(', ')})`;
  return { sql: `VALUES ${random.list(1 + random.int(3), row).join(', ')}`, width };
}

/** With a name, without one, or with one that another column has too. */
function named({ random }: Scope, expression: string): string {
  return random.weighted([
    [5, expression],
    [3, `${expression} AS n${random.int(50)}`],
    [0.6, `${expression} AS same`],
    [0.2, `${expression} AS "odd ""name"`],
  ]);
}

interface Source {
  readonly sql: string;
  readonly columns: readonly string[];
  readonly alias: string;
  readonly many: boolean;
}

function makeSource(scope: Scope, table: TableModel): Source {
  const { random, schema, values } = scope;
  const own = table.columns.map(({ name }) => name);
  if (!random.chance(0.25)) return { sql: table.name, columns: own, alias: table.name, many: false };
  const other = random.pick(schema.tables);
  const columns = [...own.map((name) => `x.${name}`), ...other.columns.map(({ name }) => `y.${name}`)];
  const left = `${table.name} AS x`;
  if (random.chance(0.1)) {
    const json = values.add('[1,"a",null,2.5]');
    return {
      sql: `${left}, json_each(${json}) AS y`,
      columns: [...own.map((name) => `x.${name}`), 'y.value', 'y.key'],
      alias: 'x',
      many: true,
    };
  }
  if (random.chance(0.1))
    return { sql: `${left} NATURAL JOIN ${other.name} AS y`, columns, alias: 'x', many: true };
  const kind = random.pick(['JOIN', 'JOIN', 'LEFT JOIN', 'CROSS JOIN', 'RIGHT JOIN', 'FULL JOIN']);
  const on = `x.${random.pick(own)} = y.${random.pick(other.columns).name}`;
  return { sql: `${left} ${kind} ${other.name} AS y ON ${on}`, columns, alias: 'x', many: true };
}

function makeGrouped(scope: Scope, source: string, where: string, count: number): string {
  const { random } = scope;
  const key = makeColumn(scope);
  const aggregate = (): string => {
    const of = makeColumn(scope);
    return random.pick([
      ...[`count(*)`, `count(${of})`, `min(${of})`, `max(${of})`, `total(${of})`, `count(DISTINCT ${of})`],
      `count(*) FILTER (WHERE ${of} IS NOT NULL)`,
    ]);
  };
  const columns = random.list(count, (i) => named(scope, i === 0 ? key : aggregate()));
  const having = random.chance(0.3) ? ` HAVING count(*) > ${scope.values.add(random.int(2))}` : '';
  return `SELECT ${columns.join(', ')} FROM ${source}${where} GROUP BY ${key}${having}`;
}

function makeWindow(scope: Scope): string {
  const { random } = scope;
  const [part, order, of] = [makeColumn(scope), makeColumn(scope), makeColumn(scope)];
  const partition = random.chance(0.5) ? `PARTITION BY ${part} ` : '';
  const frame = random.chance(0.25) ? ' ROWS BETWEEN 1 PRECEDING AND CURRENT ROW' : '';
  if (frame === '' && random.chance(0.4)) {
    return `${random.pick(['rank()', 'dense_rank()', 'count(*)'])} OVER (${partition}ORDER BY ${order})`;
  }
  const call = random.pick([
    ...['row_number()', 'count(*)', `lag(${of})`, `lead(${of}, 1, 0)`],
    ...[`first_value(${of})`, `max(${of})`, `nth_value(${of}, 2)`, 'ntile(2)'],
  ]);
  // These depend on the order of rows that are equal by the ORDER BY, which SQLite leaves open.
  const whole = scope.columns.flatMap((column) => [`${column} COLLATE BINARY`, `typeof(${column})`]);
  return `${call} OVER (${partition}ORDER BY ${[order, ...whole].join(', ')}${frame})`;
}

function makeColumn({ random, columns, values, range }: Scope): string {
  return columns.length > 0 ? random.pick(columns) : values.add(anyValue(random, range, values.literal));
}

/** A value, in the text or as a parameter. */
export function makeValue({ random, range, values }: Scope): string {
  const value: Value = anyValue(random, range, values.literal);
  return values.add(value);
}

/** A condition of a WHERE. */
export function makeCondition(scope: Scope): string {
  const { random } = scope;
  const left = makeColumn(scope);
  const right = (): string => (random.chance(0.7) ? makeValue(scope) : makeColumn(scope));
  const deep = scope.depth > 0 ? 1 : 0;
  const under: Scope = { ...scope, depth: scope.depth - 1 };
  const make = random.weighted<() => string>([
    [5, () => `${left} ${random.pick(['=', '<>', '<', '>', '<=', '>=', 'IS', 'IS NOT'])} ${right()}`],
    [2, () => `${left} IS ${random.pick(['', 'NOT '])}NULL`],
    [1, () => `${left} BETWEEN ${makeValue(scope)} AND ${makeValue(scope)}`],
    [1, () => `${left} ${random.pick(['', 'NOT '])}IN (${makeValue(scope)}, ${makeValue(scope)})`],
    [
      scope.range.wild ? 0 : 0.7,
      () => `${left} LIKE ${scope.values.add(random.pick(['a%', '%1%', '_', 'A']))}`,
    ],
    [deep, () => `(${makeCondition(under)} ${random.pick(['AND', 'OR'])} ${makeCondition(under)})`],
    [deep * 0.5, () => `NOT (${makeCondition(under)})`],
    [deep * 0.7, () => `${left} IN (${makeSubquery(under)})`],
    [deep * 0.5, () => `EXISTS (${makeSubquery(under)} AND ${makeCondition(under)})`],
  ]);
  return make();
}

/** One column of one table, with the columns around it in reach. */
function makeSubquery(scope: Scope): string {
  const { random, schema } = scope;
  const table = random.pick(schema.tables);
  const column = random.pick(table.columns).name;
  return `SELECT s.${column} FROM ${table.name} AS s WHERE s.${random.pick(table.columns).name} ${random.pick(['=', '<', 'IS NOT'])} ${makeValue(scope)}`;
}

/** An expression over the columns in reach. */
export function makeExpression(scope: Scope): string {
  const { random, range } = scope;
  const text = range.wild ? 0 : 1;
  const deep = scope.depth > 0 ? 1 : 0;
  const under: Scope = { ...scope, depth: scope.depth - 1 };
  const one = (): string => (deep === 1 && random.chance(0.3) ? makeExpression(under) : makeColumn(scope));
  const make = random.weighted<() => string>([
    [6, () => makeColumn(scope)],
    [1.5, () => makeValue(scope)],
    [
      1.5,
      () =>
        `${one()} ${random.pick(['+', '-', '*', '/', '%', '&', '|'])} ${random.chance(0.5) ? one() : makeValue(scope)}`,
    ],
    [1, () => `typeof(${one()})`],
    [0.5, () => `hex(${range.wild ? 'NULL' : makeColumn(scope)})`],
    [0.7, () => `coalesce(${one()}, ${makeValue(scope)})`],
    [0.4, () => `nullif(${one()}, ${makeValue(scope)})`],
    [0.4, () => `abs(${one()})`],
    [
      0.7,
      () => `CAST(${one()} AS ${random.pick(['INTEGER', 'REAL', 'NUMERIC', range.wild ? 'BLOB' : 'TEXT'])})`,
    ],
    [0.7, () => `CASE WHEN ${makeCondition(scope)} THEN ${one()} ELSE ${one()} END`],
    [0.4, () => makeCondition(scope)],
    [0.4, () => `iif(${makeColumn(scope)}, ${one()}, ${one()})`],
    [0.4, () => `max(${one()}, ${makeColumn(scope)})`],
    [text * 0.6, () => `${one()} || ${makeValue(scope)}`],
    [text * 0.6, () => `${random.pick(['lower', 'upper', 'length', 'trim'])}(${makeColumn(scope)})`],
    [text * 0.4, () => `substr(${makeColumn(scope)}, ${scope.values.add(random.int(3))}, 2)`],
    [text * 0.3, () => `json_quote(CAST(${makeColumn(scope)} AS TEXT))`],
    [text * 0.3, () => `json(${makeColumn(scope)})`],
    [text * 0.3, () => `${makeColumn(scope)} ->> ${scope.values.add('$.a')}`],
    [deep * 0.7, () => `(${makeSubquery(under)} LIMIT 1)`],
    [deep * 0.3, () => `(SELECT count(*) FROM ${random.pick(scope.schema.tables).name})`],
    [0.3, () => `${makeColumn(scope)} COLLATE NOCASE`],
  ]);
  return make();
}
