import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AccessError, type AccessRule, type Database } from '../../src/index.js';
import { openMemory } from '../support/database.js';

/** `hidden` and the columns called `secret` differ between the two databases; nothing allowed may show them. */
const schema = (secret: string): string => `
  create table open (id integer primary key, v text, n integer, secret text);
  create index open_secret on open (n, secret);
  create table plain (id integer primary key, v text, n integer, secret text, copy text as (secret || v) stored);
  create index plain_n on plain (n, v);
  create table sorted (id integer primary key, v text, n integer, secret text);
  create index sorted_secret on sorted (secret);
  create unique index sorted_unique on sorted (secret desc, id);
  create table partial (id integer primary key, v text, n integer, secret text);
  create index partial_is on partial (v) where secret = 'x';
  create index partial_above on partial (n, v) where secret > 'm' and n > 0;
  create unique index partial_unique on partial (id, v) where secret is not null;
  create table computed (id integer primary key, v text, n integer, secret text, g text as (lower(secret)));
  create index computed_length on computed (length(secret));
  create index computed_order on computed (n, secret || v);
  create index computed_g on computed (g, v);
  create table uniq (id integer primary key, v text, n integer, secret text unique);
  create table numbers (secret integer primary key, v text, n integer, id);
  create table hidden (id integer primary key, v text, secret text, u unique, n integer);
  create table keyed (n integer, secret text, v text, id, primary key (n, secret)) without rowid;
  create index keyed_v on keyed (v);
  create table target (id integer primary key autoincrement, v, n default 1);
  create table kids (id integer primary key autoincrement, parent integer references hidden(id) on delete cascade, v, n);
  create view shows as select h.id, h.v, h.n from hidden h;
  create view both as select id, v, n from open union all select id, secret, n from hidden;
  create view over as select * from (select id, v, n from shows);
  create view fine as select id, v, n from open where n > 1;
  create view ordered as select id, v, n from sorted order by secret;
  create table silent (id integer primary key, v);
  create trigger leak after insert on silent begin insert into target (v) select secret from hidden; end;
  create virtual table words using fts5(v, id, n);
  create virtual table texts using fts5(v, n, content='hidden', content_rowid='id');
  ${['open', 'plain', 'sorted', 'partial', 'computed']
    .map(
      (table) => `insert into ${table} (id, v, n, secret) values (1, 'a', 1, '${secret}'), (2, 'b', 2, 'x'),
        (3, 'c', 3, '${secret}3'), (4, 'c', 2, '${secret.slice(2)}${secret.slice(0, 2)}'), (5, 'aa', 1, null), (6, 'b', 2, 'y');`,
    )
    .join('\n')}
  insert into uniq values (1, 'a', 1, '${secret}'), (2, 'b', 2, 'x');
  insert into numbers values (${secret.length}, 'a', 1, 1), (4, 'b', 2, 2);
  insert into hidden values (1, '${secret}', '${secret}', 7, 1), (${secret.length}, 'h', 's', 8, 2);
  insert into keyed values (1, '${secret}', 'v', 1), (2, 's', 'w', 2), (1, 't', 'w', 3), (1, '${secret}2', 'x', 4);
  insert into target values (1, 'one', 1), (2, 'two', 2);
  insert into words values ('a b', 1, 1), ('b', 2, 1);
  insert into texts (rowid, v) values (1, '${secret}');
`;

const GUARDED = ['open', 'keyed', 'plain', 'sorted', 'partial', 'computed', 'numbers', 'uniq'];
const RULES: AccessRule[] = [
  { effect: 'deny', actions: ['read'], tables: GUARDED, columns: ['secret'] },
  {
    effect: 'allow',
    actions: ['read'],
    tables: [...GUARDED, 'words', 'texts', 'json_each', 'generate_series'],
  },
  { effect: 'allow', actions: ['read', 'insert', 'update', 'delete'], tables: ['target', 'silent', 'kids'] },
  { effect: 'allow', actions: ['insert'], tables: ['uniq', 'numbers'] },
];

const ALLOWED = [
  'open',
  'keyed',
  'target',
  'kids',
  'fine',
  'c',
  'plain',
  'partial',
  'computed',
  'sorted',
  'uniq',
];
const TABLES = [
  ...[...ALLOWED, ...ALLOWED, ...ALLOWED, 'plain', 'partial', 'computed', 'sorted', 'words', 'numbers'],
  ...[
    'hidden',
    'shows',
    'both',
    'over',
    'ordered',
    'texts',
    'words_content',
    'sqlite_schema',
    'sqlite_dbpage',
  ],
];
const quoted = fc
  .tuple(fc.constantFrom(...TABLES), fc.nat(6))
  .map(
    ([name, style]) =>
      [name, `"${name}"`, `[${name}]`, `\`${name}\``, name.toUpperCase(), `main.${name}`, `/* x */${name}`][
        style
      ] as string,
  );
const column = fc.oneof(
  { weight: 8, arbitrary: fc.constantFrom('id', 'v', 'n', 'count(*)', 'v, n', 'n, id') },
  {
    weight: 3,
    arbitrary: fc.constantFrom(
      ...[
        'max(v)',
        'min(n)',
        'group_concat(v)',
        'sum(n)',
        'count(distinct n)',
        'group_concat(id)',
        'total(n)',
      ],
      ...['row_number() over (order by n)', 'group_concat(v) over ()', 'lag(id) over (order by v)'],
    ),
  },
  fc.constantFrom(
    ...['secret', '"secret"', '*', 'max(secret)', 'copy', 'group_concat(secret)'],
    ...['row_number() over (order by secret)', 'length(secret)'],
  ),
);
const simple = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom('id', 'v') },
  fc.constantFrom('secret', 'n', 'n', '[secret]'),
);
const value = fc.constantFrom('1', "'a'", "'x'", '2', 'null', "'sesame'", "'m'", '6');
const key = fc
  .tuple(
    fc.oneof(
      { weight: 5, arbitrary: fc.constantFrom('id', 'v', 'n', '1', '+n', 'v || id') },
      fc.constantFrom('secret', 'length(secret)', 'secret || v'),
    ),
    fc.constantFrom('', '', ' desc', ' collate nocase', ' nulls last'),
  )
  .map((parts) => parts.join(''));
const order = fc.oneof(
  { weight: 3, arbitrary: fc.constant('') },
  key.map((by) => ` order by ${by}`),
  fc.tuple(key, key).map((keys) => ` order by ${keys.join(', ')}`),
);
const limit = fc.constantFrom('', '', '', ' limit 1', ' limit 2 offset 1', ' limit 3');
const HINTS = [
  'sorted indexed by sorted_secret',
  'computed indexed by computed_order',
  'plain indexed by plain_n',
];
const table = fc.oneof(
  { weight: 12, arbitrary: quoted },
  fc.constantFrom(
    ...HINTS,
    'partial indexed by partial_above',
    ...GUARDED.map((name) => `${name} not indexed`),
  ),
);

type Tie = fc.LetrecTypedTie<{ select: string; single: string; source: string; condition: string }>;

const query = (columns: fc.Arbitrary<string>, tie: Tie): fc.Arbitrary<string> =>
  fc
    .tuple(
      fc.constantFrom('', '', 'distinct '),
      columns,
      tie('source'),
      fc.option(tie('condition')),
      fc.constantFrom('', '', '', ' group by secret', ' group by n', ' group by v having count(*) > 1'),
      fc.option(fc.tuple(simple, quoted), { freq: 2 }),
      fc.tuple(order, limit).map((parts) => parts.join('')),
    )
    .map(([distinct, names, source, condition, group, cte, end]) => {
      const where = condition === null ? '' : ` where ${condition}`;
      const sql = `select ${distinct}${names} from ${source}${where}${group}${end}`;
      return cte === null ? sql : `with c as (select ${cte[0]} as v, 1 as id, 2 as n from ${cte[1]}) ${sql}`;
    });

const { select, single } = fc.letrec<{ select: string; single: string; source: string; condition: string }>(
  (tie) => ({
    source: fc.oneof(
      { depthSize: 'small' },
      { weight: 3, arbitrary: table },
      fc.tuple(quoted, quoted).map(([a, b]) => `${a} join ${b} using (id, v, n)`),
      tie('select').map((sql) => `(select id, v, n, 1 as secret from (${sql}))`),
      fc.constant("(select value as v, key as id, 1 as n from json_each('[1,2]'))"),
    ),
    condition: fc.oneof(
      { depthSize: 'small' },
      {
        weight: 3,
        arbitrary: fc
          .tuple(simple, fc.constantFrom('=', '<', '>', 'like', 'is not', 'is', '>='), value)
          .map((parts) => parts.join(' ')),
      },
      fc.constantFrom(
        ...[
          "secret = 'x'",
          "secret > 'm' and n > 0",
          'secret is not null',
          'length(secret) = 6',
          "v like 'a%'",
        ],
        ...[
          "secret = 'x' and v > ''",
          "n = 2 and secret || v > 'a'",
          'n between 1 and 2',
          'n in (1, 3)',
          'n = 2 or id = 1',
        ],
      ),
      fc.tuple(tie('condition'), tie('condition')).map((both) => `(${both.join(' and ')})`),
      fc.tuple(simple, tie('single')).map(([name, sql]) => `${name} in (${sql})`),
      tie('select').map((sql) => `exists (${sql})`),
      fc.constant('1'),
    ),
    select: query(
      fc.oneof({ weight: 3, arbitrary: column }, fc.constantFrom('id, v, n', 'id, v, n', 'v, id')),
      tie,
    ),
    single: query(simple, tie),
  }),
);

const write = fc.oneof(
  single.map((sql) => `insert into target (v) ${sql}`),
  single.map((sql) => `insert into target (v) values ((${sql})) returning v`),
  fc.constant("insert into silent (v) values ('x')"),
  fc.nat(9).map((id) => `insert into kids (parent, v) values (${id}, 'k')`),
  single.map((sql) => `insert into kids (v) ${sql}`),
  fc
    .tuple(quoted, simple, value)
    .map(([table, name, to]) => `update ${table} set ${name} = ${to} returning *`),
  fc.tuple(quoted, simple, value).map(([table, name, is]) => `delete from ${table} where ${name} = ${is}`),
  single.map((sql) => `update target set v = (${sql}) where id = 1 returning v`),
  fc.constant(
    "insert into open (id, v) values (1, 'z') on conflict (id) do update set v = secret returning v",
  ),
  fc.constant('insert or ignore into hidden (u) values (7)'),
  fc
    .constantFrom('', ' or ignore', ' or replace')
    .chain((or) =>
      fc.constantFrom(
        `insert${or} into uniq (secret) values ('sesame')`,
        `insert${or} into numbers (secret) values (6)`,
        `insert${or} into uniq (secret) values ('sesame') on conflict do nothing`,
      ),
    ),
  fc
    .tuple(quoted, simple, select)
    .map(([table, name, sql]) => `delete from ${table} where ${name} in (${sql})`),
  select.map((sql) => `explain query plan ${sql}`),
);

/** What is inserted is read by later statements, so it must not grow. */
const TRIM = 'delete from target where id > 2; delete from kids; delete from silent';

/** Some run another text of the same meaning, on another thread. */
async function outcome(db: Database, sql: string, timeout?: number): Promise<unknown> {
  return await db.execute(sql, [], { rowMode: 'array', timeout }).then(
    ({ rows, rowsAffected }) => ({ rows, rowsAffected }),
    (error: unknown) => error,
  );
}

const told = (result: unknown): unknown => (result instanceof Error ? `${result}` : result);

describe('a restricted view', { timeout: 600_000 }, () => {
  it('tells nothing of what it may not read and changes nothing else, in 40,000 statements', async () => {
    const whole = [await openMemory(schema('sesame')), await openMemory(schema('xyz'))] as const;
    const [one, two] = whole.map((db) => db.restricted(RULES)) as [Database, Database];
    const untouched =
      'select (select group_concat(id || v || secret) from hidden) || (select group_concat(v) from open)';
    const before = await Promise.all(whole.map((db) => outcome(db, untouched)));
    let [allowed, refused, count] = [0, 0, 0];
    await fc.assert(
      fc.asyncProperty(fc.oneof(select, select, write), async (sql) => {
        if (count % 50 === 0) await Promise.all(whole.map((db) => db.script(TRIM)));
        const timeout = ++count % 50 === 0 ? 60_000 : undefined;
        const [first, second] = [await outcome(one, sql, timeout), await outcome(two, sql, timeout)];
        if (first instanceof AccessError) refused++;
        else if (!(first instanceof Error)) allowed++;
        const [seen, alsoSeen] = [told(first), told(second)];
        // To compare each as an expectation takes longer than the statements.
        if (!isDeepStrictEqual(seen, alsoSeen)) expect(alsoSeen).toEqual(seen);
      }),
      { numRuns: 40_000 },
    );
    expect(allowed).toBeGreaterThan(5_000);
    expect(refused).toBeGreaterThan(5_000);
    expect(await Promise.all(whole.map((db) => outcome(db, untouched)))).toEqual(before);
    const left = await Promise.all(whole.map((db) => outcome(db, 'select * from target')));
    expect(left[0]).toEqual(left[1]);
  });
});
