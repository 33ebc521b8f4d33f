import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AccessError, type AccessRule, type Database } from '../../src/index.js';
import { openMemory } from '../support/database.js';

/** `hidden`, and the column `open.secret`, differ between the two databases; nothing allowed may show it. */
const schema = (secret: string): string => `
  create table open (id integer primary key, v text, n integer, secret text);
  create index open_secret on open (n, secret);
  create table hidden (id integer primary key, v text, secret text, u unique);
  create table keyed (k text, secret text, v text, primary key (k, secret)) without rowid;
  create table target (id integer primary key autoincrement, v);
  create table kids (id integer primary key autoincrement, parent integer references hidden(id) on delete cascade, v);
  create view shows as select h.id, h.v from hidden h;
  create view both as select id, v from open union all select id, secret from hidden;
  create view over as select * from (select id, v from shows);
  create view fine as select id, v, n from open where n > 1;
  create table silent (id integer primary key, v);
  create trigger leak after insert on silent begin insert into target (v) select secret from hidden; end;
  insert into open values (1, 'a', 1, '${secret}'), (2, 'b', 2, 'x'), (3, 'c', 3, '${secret}');
  insert into hidden values (1, '${secret}', '${secret}', 7), (${secret.length}, 'h', 's', 8);
  insert into keyed values ('k', '${secret}', 'v'), ('l', 's', 'w');
  insert into target values (1, 'one'), (2, 'two');
`;

const RULES: AccessRule[] = [
  { effect: 'deny', actions: ['read'], tables: ['open', 'keyed'], columns: ['secret'] },
  { effect: 'allow', actions: ['read'], tables: ['open', 'keyed', 'json_each', 'generate_series'] },
  { effect: 'allow', actions: ['read', 'insert', 'update', 'delete'], tables: ['target', 'silent', 'kids'] },
];

const ALLOWED = ['open', 'keyed', 'target', 'kids', 'fine', 'c'];
const TABLES = [...ALLOWED, ...ALLOWED, ...ALLOWED, 'hidden', 'shows', 'both', 'over', 'sqlite_schema'];
const quoted = fc
  .tuple(fc.constantFrom(...TABLES), fc.nat(6))
  .map(
    ([name, style]) =>
      [name, `"${name}"`, `[${name}]`, `\`${name}\``, name.toUpperCase(), `main.${name}`, `/* x */${name}`][
        style
      ] as string,
  );
const column = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom('id', 'v', 'n', 'count(*)', 'rowid', 'k', 'max(v)') },
  fc.constantFrom('secret', '"secret"', '*', 'max(secret)', 'u'),
);
const simple = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom('id', 'v') },
  fc.constantFrom('secret', 'n', 'k', '[secret]', 'u'),
);
const value = fc.constantFrom('1', "'a'", "'x'", '2', 'null');

const { select } = fc.letrec<{ select: string; source: string; condition: string }>((tie) => ({
  source: fc.oneof(
    { depthSize: 'small' },
    quoted,
    fc.tuple(quoted, quoted).map(([a, b]) => `${a} x join ${b} y on x.id = y.id`),
    tie('select').map((sql) => `(${sql})`),
    fc.constant("json_each('[1,2]')"),
  ),
  condition: fc.oneof(
    { depthSize: 'small' },
    fc.tuple(simple, fc.constantFrom('=', '<', '>', 'like', 'is not'), value).map((parts) => parts.join(' ')),
    fc.tuple(simple, tie('select')).map(([name, sql]) => `${name} in (${sql})`),
    tie('select').map((sql) => `exists (${sql})`),
    fc.constant('1'),
  ),
  select: fc
    .tuple(
      fc.constantFrom('', 'distinct '),
      fc.oneof(
        column,
        fc.tuple(column, column).map((names) => names.join(', ')),
      ),
      tie('source'),
      fc.option(tie('condition')),
      fc.constantFrom(
        '',
        '',
        ' order by 1',
        ' order by secret',
        ' group by secret',
        ' limit 1',
        ' union select 1',
      ),
      fc.option(fc.tuple(simple, quoted)),
    )
    .map(([distinct, columns, source, condition, tail, cte]) => {
      const where = condition === null ? '' : ` where ${condition}`;
      const sql = `select ${distinct}${columns} from ${source}${where}${tail}`;
      return cte === null ? sql : `with c as (select ${cte[0]} as v, 1 as id from ${cte[1]}) ${sql}`;
    }),
}));

const write = fc.oneof(
  select.map((sql) => `insert into target (v) ${sql}`),
  select.map((sql) => `insert into target (v) values ((${sql})) returning v`),
  fc.constant("insert into silent (v) values ('x')"),
  fc.nat(9).map((id) => `insert into kids (parent, v) values (${id}, 'k')`),
  select.map((sql) => `insert into kids (v) ${sql}`),
  fc
    .tuple(quoted, simple, value)
    .map(([table, name, to]) => `update ${table} set ${name} = ${to} returning *`),
  fc.tuple(quoted, simple, value).map(([table, name, is]) => `delete from ${table} where ${name} = ${is}`),
  select.map((sql) => `update target set v = (${sql}) where id = 1 returning v`),
  fc.constant(
    "insert into open (id, v) values (1, 'z') on conflict (id) do update set v = secret returning v",
  ),
  fc.constant('insert or ignore into hidden (u) values (7)'),
);

async function outcome(db: Database, sql: string): Promise<unknown> {
  return await db.execute(sql, [], { rowMode: 'array' }).then(
    ({ rows, rowsAffected }) => ({ rows, rowsAffected }),
    (error: unknown) => error,
  );
}

describe('a restricted view', { timeout: 180_000 }, () => {
  it('tells nothing of what it may not read and changes nothing else, in 12,000 statements', async () => {
    const whole = [await openMemory(schema('sesame')), await openMemory(schema('xyz'))] as const;
    const [one, two] = whole.map((db) => db.restricted(RULES)) as [Database, Database];
    const untouched =
      'select (select group_concat(id || v || secret) from hidden) || (select group_concat(v) from open)';
    const before = await Promise.all(whole.map((db) => outcome(db, untouched)));
    let [allowed, refused] = [0, 0];
    await fc.assert(
      fc.asyncProperty(fc.oneof(select, write), async (sql) => {
        const [first, second] = [await outcome(one, sql), await outcome(two, sql)];
        if (first instanceof AccessError || second instanceof AccessError) {
          refused++;
          expect([first, second]).toEqual([expect.any(AccessError), expect.any(AccessError)]);
        } else if (first instanceof Error) expect(String(second)).toBe(String(first));
        else {
          allowed++;
          expect(second).toEqual(first);
        }
      }),
      { numRuns: 12_000 },
    );
    expect(allowed).toBeGreaterThan(500);
    expect(refused).toBeGreaterThan(500);
    expect(await Promise.all(whole.map((db) => outcome(db, untouched)))).toEqual(before);
    const left = await Promise.all(whole.map((db) => outcome(db, 'select * from target')));
    expect(left[0]).toEqual(left[1]);
  });
});
