import {
  and,
  arrayOverlaps,
  asc,
  avg,
  between,
  count,
  countDistinct,
  createTableRelationsHelpers,
  desc,
  eq,
  exists,
  extractTablesRelationalConfig,
  getTableColumns,
  gt,
  gte,
  inArray,
  isNotNull,
  isNull,
  like,
  lt,
  lte,
  max,
  min,
  ne,
  not,
  notBetween,
  notExists,
  notInArray,
  notLike,
  or,
  relations,
  type SQL,
  sql,
  sum,
} from 'drizzle-orm';
import {
  alias,
  BaseSQLiteDatabase,
  blob,
  customType,
  except,
  getViewConfig,
  integer,
  intersect,
  numeric,
  QueryBuilder,
  real,
  type SQLiteAsyncDialect,
  type SQLiteSession,
  sqliteTable,
  sqliteTableCreator,
  sqliteView,
  text,
  union,
  unionAll,
} from 'drizzle-orm/sqlite-core';

/** A type that encodes into an SQL expression, as vector columns do. */
const point = customType<{ data: number[]; driverData: Uint8Array }>({
  dataType: () => 'F32_BLOB(2)',
  toDriver: (value): SQL => sql`vector32(${JSON.stringify(value)})`,
  fromDriver: (value) => [...new Float32Array(new Uint8Array(value).buffer)],
});

/** An integer of 64 bits as a bigint. */
const int64 = customType<{ data: bigint; driverData: number | bigint }>({
  dataType: () => 'integer',
  fromDriver: (value) => BigInt(value),
});

export const users = sqliteTable('users', {
  id: integer('id').primaryKey({ autoIncrement: true }),
  fullName: text().notNull(),
  email: text('email').default('nobody@example.com'),
  role: text('role', { enum: ['admin', 'user'] }).default('user'),
  age: integer(),
  score: real('score').default(0.5),
  createdAt: integer('created_at', { mode: 'timestamp' }).default(sql`(unixepoch())`),
  updatedAt: integer({ mode: 'timestamp_ms' }).$onUpdateFn(() => new Date(86_400_000)),
  isActive: integer({ mode: 'boolean' }).$defaultFn(() => true),
  settings: text({ mode: 'json' }).$type<{ theme: string }>(),
  managerId: integer(),
  touched: text().$onUpdate(() => sql`upper('now')`),
});

export const posts = sqliteTable('posts', {
  id: integer('id').primaryKey(),
  authorId: integer(),
  title: text('title'),
  bodyText: text(),
  price: numeric('price', { mode: 'number' }),
  exact: numeric('exact', { mode: 'bigint' }),
  plain: numeric('plain'),
  rating: real(),
  views: int64(),
  words: integer().generatedAlwaysAs(sql`length("title")`, { mode: 'stored' }),
});

export const files = sqliteTable('files', {
  id: integer('id').primaryKey(),
  postId: integer(),
  data: blob('data', { mode: 'buffer' }),
  big: blob('big', { mode: 'bigint' }),
  json: blob('json', { mode: 'json' }),
  at: point('at'),
});

export const strange = sqliteTableCreator((name) => `app_${name}`)('we"ird', {
  id: integer('i"d').primaryKey(),
  quotedName: text(),
});

export const adults = sqliteView('adults').as((qb) => qb.select().from(users).where(gte(users.age, 18)));
const totals = sqliteView('totals', { authorId: integer(), total: real('total') }).as(
  sql`select author_id, total(price) as total from posts group by 1`,
);
const existing = sqliteView('existing', { id: integer('id'), someName: text() }).existing();

const schema = {
  users,
  posts,
  files,
  usersRelations: relations(users, ({ many, one }) => ({
    posts: many(posts),
    manager: one(users, { fields: [users.managerId], references: [users.id], relationName: 'manager' }),
    reports: many(users, { relationName: 'manager' }),
  })),
  postsRelations: relations(posts, ({ one, many }) => ({
    author: one(users, { fields: [posts.authorId], references: [users.id] }),
    files: many(files),
  })),
  filesRelations: relations(files, ({ one }) => ({
    post: one(posts, { fields: [files.postId], references: [posts.id] }),
  })),
};

export type Db = BaseSQLiteDatabase<'async', unknown, typeof schema>;

/** The relational configuration of the schema. */
export const relational = extractTablesRelationalConfig(schema, createTableRelationsHelpers);

/** A database that builds queries with the dialect and runs none. */
export function builderDb(dialect: SQLiteAsyncDialect): Db {
  // No query is run, so no session is asked for.
  const session = undefined as unknown as SQLiteSession<'async', unknown, typeof schema, never>;
  const config = { fullSchema: schema, schema: relational.tables, tableNamesMap: relational.tableNamesMap };
  // The configuration is of this schema; the helper that made it is typed more widely.
  return new BaseSQLiteDatabase('async', dialect, session, config as never) as unknown as Db;
}

/** A query that can say its SQL. */
export interface Buildable {
  toSQL(): { sql: string; params: unknown[] };
}

const person = { fullName: 'Ada', age: 36 };
const condition = <T>(value: T): SQL | undefined => (value ? sql`1 = 1` : undefined);

const operators: Record<string, SQL | undefined> = {
  eq: eq(users.age, 5),
  'eq column': eq(users.age, users.managerId),
  'eq null': eq(users.age, sql`null`),
  'eq date': eq(users.createdAt, new Date(1000)),
  'eq boolean': eq(users.isActive, true),
  'eq json': eq(users.settings, { theme: 'dark' }),
  'eq placeholder': eq(users.age, sql.placeholder('age')),
  'eq mapped placeholder': eq(users.createdAt, sql.placeholder('at')),
  ne: ne(users.fullName, 'x'),
  gt: gt(users.age, 1),
  gte: gte(users.score, 0.25),
  lt: lt(users.age, 9),
  lte: lte(users.age, 9),
  isNull: isNull(users.age),
  isNotNull: isNotNull(users.age),
  inArray: inArray(users.age, [1, 2, 3]),
  'inArray one': inArray(users.age, [1]),
  'inArray empty': inArray(users.age, []),
  'inArray placeholder': inArray(users.age, sql.placeholder('ages')),
  'inArray dates': inArray(users.createdAt, [new Date(0), new Date(5000)]),
  notInArray: notInArray(users.fullName, ["o'hara", 'b']),
  'notInArray empty': notInArray(users.fullName, []),
  between: between(users.age, 1, 5),
  notBetween: notBetween(users.createdAt, new Date(0), new Date(1000)),
  like: like(users.fullName, '%a%'),
  notLike: notLike(users.fullName, '%a%'),
  not: not(eq(users.age, 1)),
  and: and(eq(users.age, 1), undefined, gt(users.score, 0)),
  or: or(eq(users.age, 1), and(gt(users.score, 0), lt(users.score, 9)), undefined),
  'and of one': and(eq(users.age, 1)),
  'and of none': and(),
  'conditional part': sql`${users.age} > 1 ${condition(false)} and ${condition(true)}`,
  'list in a template': sql`${users.age} in ${[1, 2, sql`3`]}`,
  'empty list': sql`${users.age} in ${[]}`,
  'array in list': sql`(${users.age}, ${users.score}) in ${[[1, 2], [3, 4]]}`,
  'array operator': arrayOverlaps(sql`a`, sql`b`),
  raw: sql.raw(`age > 1 and name = '"'`),
  identifier: sql`${sql.identifier('we"ird')} = 1`,
  'joined parts': sql.join([sql`a`, sql`b = ${1}`, sql`c`], sql` and `),
  'joined without separator': sql.join([sql`a`, sql` = b`]),
  'inlined parameters':
    sql`a = ${1} and b = ${"it's"} and c = ${null} and d = ${true} and e = ${[1, 'x']}`.inlineParams(),
  'inlined inside': and(sql`x = ${1}`, sql`y = ${2}`.inlineParams(), sql`z = ${sql`${3}`.inlineParams()}`),
  'inlined objects': sql`a = ${{ a: 1 }} and b = ${new Date(0)}`.inlineParams(),
  'inlined column value': sql`${eq(users.createdAt, new Date(7000))}`.inlineParams(),
  'placeholder in inlined':
    sql`a = ${sql.placeholder('p')} and ${eq(users.age, sql.placeholder('q'))}`.inlineParams(),
  'parameter with encoder': sql`a = ${sql.param(new Date(4000), users.createdAt)}`,
  'parameter that is null': sql`a = ${sql.param(null, users.createdAt)}`,
  'parameter as SQL': eq(files.at, [1, 2]),
  'parameter as inlined SQL': sql`${eq(files.at, [1, 2])}`.inlineParams(),
  'bare values': sql`${1} ${'a'} ${null} ${undefined} ${true} ${5n} ${new Uint8Array([1])} ${{ a: 1 }}`,
  'whole table': sql`${users} where ${users.id} = ${strange.id}`,
  'alias of an expression': sql`${sql`lower(${users.fullName})`.as('lower')} = 'a'`,
  'appended parts': sql`a = ${1}`.append(sql` or b = ${2}`),
  'empty expression': sql``,
  view: sql`${existing.someName} in (select 1 from ${existing})`,
};

const boss = alias(users, 'boss');

/** Queries by name. Each is built anew for every database, as some operations of Drizzle change what they are given. */
export const queries: Record<string, (db: Db) => Buildable> = {
  ...Object.fromEntries(
    Object.entries(operators).map(([name, where]) => [
      `where ${name}`,
      (db: Db) => db.select().from(users).where(where),
    ]),
  ),
  select: (db) => db.select().from(users),
  'select fields': (db) => db.select({ id: users.id, name: users.fullName }).from(users),
  'select nested fields': (db) =>
    db.select({ id: users.id, more: { name: users.fullName, age: users.age } }).from(users),
  'select a table as a field': (db) =>
    db.select({ user: users, post: posts }).from(users).innerJoin(posts, eq(posts.authorId, users.id)),
  'select an expression': (db) => db.select({ n: sql<number>`${users.age} + ${1}` }).from(users),
  'select an aliased expression': (db) =>
    db.select({ n: sql<number>`${users.age} + ${1}`.as('n') }).from(users),
  'select a nested expression': (db) => db.select({ n: sql`max(${sql`${users.age}`})` }).from(users),
  'select an inlined expression': (db) =>
    db.select({ n: sql`${1} + ${users.age}`.inlineParams() }).from(users),
  'select an inlined expression joined': (db) =>
    db
      .select({ n: sql`${1} + ${users.age}`.inlineParams() })
      .from(users)
      .leftJoin(posts, sql`true`),
  'select a list': (db) => db.select({ n: sql`${[users.age, 1]}` }).from(users),
  'select bigint numeric': (db) => db.select({ e: posts.exact }).from(posts),
  'select bigint numeric joined': (db) =>
    db.select({ e: posts.exact }).from(posts).leftJoin(users, eq(users.id, posts.authorId)),
  'select distinct': (db) => db.selectDistinct({ name: users.fullName }).from(users),
  'select quoted names': (db) => db.select().from(strange).where(eq(strange.quotedName, 'x')),
  'select from an SQL': (db) => db.select({ n: sql`n` }).from(sql`generate_series(${1}, ${5})`),
  'select from a view': (db) => db.select().from(adults).where(eq(adults.fullName, 'x')),
  'select from an existing view': (db) => db.select().from(existing),
  'select from a view of SQL': (db) => db.select().from(totals),
  'select the definition of a view': (db) => db.select().from(sql`(${getViewConfig(adults).query})`),
  'select from an aliased table': (db) => db.select().from(boss).where(eq(boss.age, 3)),
  'select a subquery as a field': (db) =>
    db.select({ n: sql`${db.select({ c: count() }).from(posts)}`, id: users.id }).from(users),
  'select subqueries as fields': (db) =>
    db
      .select({
        id: users.id,
        column: db
          .select({ at: max(users.createdAt).as('at') })
          .from(users)
          .as('column'),
        date: db.select({ at: users.createdAt }).from(users).limit(1).as('date'),
        named: db
          .select({ n: sql`count(*)`.mapWith(String).as('n') })
          .from(posts)
          .as('named'),
      })
      .from(users),
  'select from a subquery': (db) => {
    const inner = db
      .select({ id: users.id, up: sql`upper(${users.fullName})`.as('up') })
      .from(users)
      .where(gt(users.age, 3))
      .as('inner');
    return db.select().from(inner).where(eq(inner.up, 'A'));
  },
  'join a subquery': (db) => {
    const inner = db
      .select({ authorId: posts.authorId, n: count().as('n') })
      .from(posts)
      .groupBy(posts.authorId)
      .as('counts');
    return db
      .select({ name: users.fullName, n: inner.n })
      .from(users)
      .leftJoin(inner, eq(inner.authorId, users.id));
  },
  'join a view': (db) => db.select().from(users).innerJoin(existing, eq(existing.id, users.id)),
  'join an SQL': (db) =>
    db
      .select({ id: users.id })
      .from(users)
      .leftJoin(sql`json_each(${'[1]'}) as j`, sql`j.value = ${users.id}`),
  'left join': (db) => db.select().from(users).leftJoin(posts, eq(posts.authorId, users.id)),
  'right join': (db) => db.select().from(users).rightJoin(posts, eq(posts.authorId, users.id)),
  'inner join': (db) => db.select().from(users).innerJoin(posts, eq(posts.authorId, users.id)),
  'full join': (db) => db.select().from(users).fullJoin(posts, eq(posts.authorId, users.id)),
  'cross join': (db) => db.select().from(users).crossJoin(posts),
  'join an alias': (db) => db.select().from(users).leftJoin(boss, eq(boss.id, users.managerId)),
  'join from an alias': (db) => db.select().from(boss).innerJoin(users, eq(users.managerId, boss.id)),
  'three joins': (db) =>
    db
      .select({ a: users.fullName, b: boss.fullName, c: posts.title, d: files.id })
      .from(users)
      .leftJoin(boss, eq(boss.id, users.managerId))
      .innerJoin(posts, eq(posts.authorId, users.id))
      .crossJoin(files),
  'join with a callback': (db) =>
    db
      .select({ id: users.id, authorId: posts.authorId })
      .from(users)
      .leftJoin(posts, (t) => eq(t.authorId, t.id)),
  'group and having': (db) =>
    db
      .select({ role: users.role, n: count(users.id) })
      .from(users)
      .groupBy(users.role)
      .having(({ n }) => gt(n, 1)),
  'group by two': (db) =>
    db.select({ n: count() }).from(users).groupBy(users.role, sql`${users.age} / ${10}`),
  'group by alias': (db) =>
    db
      .select({ d: sql`${users.age} / 10`.as('decade') })
      .from(users)
      .groupBy((t) => t.d)
      .orderBy((t) => desc(t.d)),
  aggregates: (db) =>
    db
      .select({
        a: sum(users.age),
        b: avg(users.score),
        c: min(users.createdAt),
        d: max(users.createdAt),
        e: countDistinct(users.role),
      })
      .from(users),
  'order by': (db) =>
    db
      .select()
      .from(users)
      .orderBy(users.fullName, desc(users.age), asc(sql`lower(${users.email})`)),
  'limit and offset': (db) => db.select().from(users).limit(5).offset(10),
  'limit zero': (db) => db.select().from(users).limit(0).offset(0),
  'limit negative': (db) => db.select().from(users).limit(-1),
  'limit placeholder': (db) =>
    db.select().from(users).limit(sql.placeholder('l')).offset(sql.placeholder('o')),
  'dynamic select': (db) => db.select().from(users).$dynamic().where(eq(users.id, 1)).limit(1),
  exists: (db) =>
    db
      .select()
      .from(users)
      .where(exists(db.select().from(posts).where(eq(posts.authorId, users.id)))),
  'not exists': (db) =>
    db
      .select()
      .from(users)
      .where(notExists(db.select({ one: sql`1` }).from(posts))),
  'in subquery': (db) =>
    db
      .select()
      .from(users)
      .where(inArray(users.id, db.select({ id: posts.authorId }).from(posts))),
  union: (db) =>
    db
      .select({ id: users.id })
      .from(users)
      .union(db.select({ id: posts.id }).from(posts)),
  'union all with order and limit': (db) =>
    unionAll(
      db.select({ id: users.id, n: users.email }).from(users),
      db.select({ id: posts.id, n: posts.title }).from(posts),
    )
      .orderBy(users.email, sql`${users.id}`, desc(sql`n`))
      .limit(3)
      .offset(1),
  'three unions': (db) =>
    union(
      db.select({ id: users.id }).from(users),
      db.select({ id: posts.id }).from(posts),
      db.select({ id: files.id }).from(files),
    ),
  'union with its own limits': (db) =>
    db
      .select({ id: users.id })
      .from(users)
      .where(eq(users.id, 1))
      .union(db.select({ id: posts.id }).from(posts).limit(2))
      .limit(sql.placeholder('l')),
  intersect: (db) =>
    intersect(db.select({ id: users.id }).from(users), db.select({ id: posts.id }).from(posts)),
  except: (db) => except(db.select({ id: users.id }).from(users), db.select({ id: posts.id }).from(posts)),
  'intersect all': (db) =>
    db
      .select({ id: users.id })
      .from(users)
      .except(db.select({ id: posts.id }).from(posts))
      .orderBy(sql`1`),
  'with clause': (db) => {
    const old = db.$with('old').as(db.select().from(users).where(gt(users.age, 60)));
    return db.with(old).select().from(old);
  },
  'two with clauses': (db) => {
    const a = db
      .$with('a')
      .as((qb) => qb.select({ id: users.id, l: sql`lower(${users.fullName})`.as('l') }).from(users));
    const b = db.$with('b').as(db.select({ id: posts.id }).from(posts));
    return db.with(a, b).select({ l: a.l }).from(a).innerJoin(b, eq(a.id, b.id)).where(eq(a.l, 'x'));
  },
  'with and delete': (db) => {
    const old = db.$with('old').as(db.select({ id: users.id }).from(users));
    return db
      .with(old)
      .delete(users)
      .where(inArray(users.id, sql`(select id from ${old})`))
      .returning({ id: users.id });
  },
  'with and update': (db) => {
    const mean = db.$with('mean').as(db.select({ v: sql`avg(${users.age})`.as('v') }).from(users));
    return db
      .with(mean)
      .update(users)
      .set({ age: sql`(select * from ${mean})` });
  },
  'with and insert': (db) => {
    const n = db.$with('n').as(db.select({ c: count().as('c') }).from(users));
    return db
      .with(n)
      .insert(users)
      .values([{ fullName: sql`(select c from ${n})` }]);
  },
  'query builder of its own': () => new QueryBuilder().select().from(users).where(eq(users.age, 3)),
  'count of a table': (db) => db.select({ n: db.$count(posts, eq(posts.authorId, 3)) }).from(users),
  'insert one': (db) => db.insert(users).values(person),
  'insert all defaults': (db) => db.insert(users).values({ fullName: 'x' }),
  'insert explicit null': (db) => db.insert(users).values({ fullName: 'x', age: null, score: null }),
  'insert undefined': (db) => db.insert(users).values({ fullName: 'x', age: undefined, email: undefined }),
  'insert many': (db) =>
    db
      .insert(users)
      .values([person, { fullName: 'B', isActive: false }, { fullName: 'C', settings: { theme: 'x' } }]),
  'insert expressions': (db) =>
    db.insert(users).values({ fullName: sql`upper(${'x'})`, age: sql.placeholder('age') }),
  'insert dates': (db) =>
    db.insert(users).values({ fullName: 'x', createdAt: new Date(3000), updatedAt: new Date(5) }),
  'insert with a generated column': (db) =>
    db.insert(posts).values({ title: 'x', views: 5n, exact: 12n, price: 1.5 }),
  'insert as SQL': (db) =>
    db.insert(files).values([
      { at: [1, 2], data: Buffer.from('a') },
      { big: 7n, json: { a: 1 } },
    ]),
  'insert quoted names': (db) => db.insert(strange).values({ quotedName: 'x' }),
  'insert returning': (db) => db.insert(users).values(person).returning(),
  'insert returning fields': (db) =>
    db
      .insert(posts)
      .values({ title: 'x' })
      .returning({ id: posts.id, e: posts.exact, up: sql`upper(${posts.title})`.as('up') }),
  'insert on conflict do nothing': (db) => db.insert(users).values(person).onConflictDoNothing(),
  'insert on conflict target': (db) =>
    db
      .insert(users)
      .values(person)
      .onConflictDoNothing({ target: users.email, where: gt(users.age, 1) }),
  'insert on conflict do update': (db) =>
    db
      .insert(users)
      .values(person)
      .onConflictDoUpdate({ target: users.id, set: { fullName: 'new', age: sql`excluded.age + ${1}` } }),
  'insert on conflict with where': (db) =>
    db
      .insert(users)
      .values(person)
      .onConflictDoUpdate({
        target: [users.id, users.email],
        targetWhere: gt(users.age, 1),
        setWhere: lt(users.age, 9),
        set: { email: 'e' },
      })
      .returning(),
  'insert on conflict twice': (db) =>
    db
      .insert(users)
      .values(person)
      .onConflictDoNothing({ target: users.email })
      .onConflictDoUpdate({ target: users.id, set: { age: 2 } }),
  'insert select': (db) =>
    db.insert(strange).select(db.select({ id: users.id, quotedName: users.fullName }).from(users)),
  'insert select callback': (db) =>
    db
      .insert(strange)
      .select((qb) =>
        qb.select({ id: users.id, quotedName: users.fullName }).from(users).where(eq(users.age, 4)),
      ),
  'insert select SQL': (db) => db.insert(strange).select(sql`select ${1}, ${'x'}`).onConflictDoNothing(),
  update: (db) => db.update(users).set({ fullName: 'x', age: null }).where(eq(users.id, 1)),
  'update expressions': (db) =>
    db.update(users).set({ age: sql`${users.age} + ${1}`, createdAt: new Date(9000), managerId: undefined }),
  'update returning': (db) => db.update(users).set({ age: 1 }).returning({ id: users.id }),
  'update from': (db) =>
    db.update(users).set({ age: posts.id }).from(posts).where(eq(posts.authorId, users.id)),
  'update from with joins': (db) =>
    db
      .update(users)
      .set({ age: 1 })
      .from(posts)
      .leftJoin(files, eq(files.postId, posts.id))
      .where(eq(posts.authorId, users.id)),
  'update from an alias': (db) =>
    db.update(users).set({ age: boss.age }).from(boss).where(eq(boss.id, users.managerId)),
  'update order and limit': (db) => db.update(users).set({ age: 1 }).orderBy(users.age).limit(1),
  'update without onUpdate': (db) => db.update(strange).set({ quotedName: 'x' }),
  delete: (db) => db.delete(users).where(eq(users.id, 1)),
  'delete all': (db) => db.delete(users),
  'delete order and limit': (db) =>
    db.delete(users).where(gt(users.age, 5)).orderBy(desc(users.age), users.id).limit(3),
  'delete returning': (db) => db.delete(users).where(eq(users.id, 1)).returning(),
  'columns of a table': (db) =>
    db.select({ ...getTableColumns(users), extra: sql`1`.as('extra') }).from(users),
  'relational many': (db) => db.query.users.findMany(),
  'relational first': (db) => db.query.users.findFirst(),
  'relational columns': (db) => db.query.users.findMany({ columns: { id: true, fullName: true } }),
  'relational columns left out': (db) => db.query.users.findMany({ columns: { settings: false } }),
  'relational extras': (db) =>
    db.query.users.findMany({
      extras: (t, op) => ({ low: op.sql`lower(${t.fullName}) || ${'x'}`.as('low') }),
    }),
  'relational where': (db) =>
    db.query.users.findMany({ where: (t, op) => op.and(op.eq(t.age, 36), op.like(t.fullName, 'a%')) }),
  'relational order and limit': (db) =>
    db.query.users.findMany({ orderBy: (t, op) => [op.desc(t.age), t.id], limit: 5, offset: 2 }),
  'relational placeholders': (db) =>
    db.query.users.findMany({
      where: (t, op) => op.eq(t.id, sql.placeholder('id')),
      limit: sql.placeholder('l'),
    }),
  'relational reports': (db) =>
    db.query.users.findMany({
      with: { reports: { columns: { score: false } }, manager: { columns: { fullName: true } } },
    }),
  'relational nested safe': (db) =>
    db.query.users.findMany({
      columns: { id: true },
      with: {
        reports: {
          columns: { id: true, createdAt: true },
          where: (t, op) => op.gt(t.age, 2),
          orderBy: (t) => t.id,
          limit: 2,
          offset: 1,
          with: {
            manager: { with: { manager: { columns: { age: true, settings: true } } }, columns: { id: true } },
          },
        },
      },
    }),
  'relational nested extras': (db) =>
    db.query.posts.findMany({
      columns: { id: true },
      with: {
        author: { columns: { fullName: true }, extras: { n: sql`length(${users.fullName}) + ${2}`.as('n') } },
      },
    }),
};

/** Relational queries whose nested levels hold REAL or BLOB values, which our dialect selects another way. */
export const inexactQueries: Record<string, (db: Db) => Buildable> = {
  'many with REAL': (db) => db.query.users.findMany({ with: { posts: true } }),
  'one with REAL': (db) => db.query.posts.findMany({ columns: { id: true }, with: { author: true } }),
  'one cell': (db) =>
    db.query.posts.findMany({ columns: { id: true }, with: { author: { columns: { score: true } } } }),
  'two levels with BLOB': (db) =>
    db.query.users.findFirst({
      columns: { id: true },
      with: {
        posts: {
          limit: 2,
          orderBy: (t, op) => op.desc(t.id),
          with: { files: true, author: { columns: { score: true } } },
        },
      },
    }),
};
