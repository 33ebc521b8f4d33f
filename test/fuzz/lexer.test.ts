import fc from 'fast-check';
import Libsql from 'libsql';
import { describe, expect, it, onTestFinished } from 'vitest';
import { analyze } from '../../src/sql/statement.js';
import { isWellFormed } from '../../src/values.js';

type Native = InstanceType<typeof Libsql>;

function scratch(): Native {
  const native = new Libsql(':memory:');
  onTestFinished(() => void native.close());
  native.exec(
    'create table t (a integer primary key, b, "end"); create table "select" (x); create view v as select a from t;' +
      'create trigger tr after insert on t begin update t set b = 1; end',
  );
  return native;
}

const VALID = [
  'select 1',
  'select a, b from t where a = ? and b <> :b',
  "select 'it''s; ', \"end\", [a], `b` from t",
  'values (1, 2), (?3, $x)',
  'with c (n) as (select a from t) select n from c order by 1 limit 2',
  "with replace as (select 1 as n) insert into t (b) select n from replace where n <> ';'",
  'insert into t (b) values (?), (@v) returning a',
  'insert into t default values',
  'replace into t values (1, 2, 3)',
  'update t set b = case when a then 1 end where a in (select x from "select")',
  'delete from t where a = 1',
  'create table u (a, b default (1 + 2))',
  'create temp table u (a)',
  'create trigger r after update on t when new.a = 1 begin insert into t (b) values (case 1 when 1 then 2 end); end',
  'drop table t',
  'alter table t add column c',
  'explain select * from v',
  'explain query plan delete from t',
  'pragma user_version',
  'pragma main.table_info(t)',
  'analyze',
  'reindex',
  'savepoint s',
];

const FRAGMENTS = [
  ...[
    'select',
    'insert into',
    'update',
    'delete from',
    'with',
    'as',
    'returning',
    'values',
    'explain',
    'end',
    'begin',
  ],
  ...[
    'create',
    'trigger',
    'temp',
    'view',
    'replace',
    'commit',
    'rollback',
    'case',
    'when',
    'then',
    'union',
    'from',
  ],
  ...[
    't',
    'v',
    '"select"',
    '[t]',
    '`a`',
    "'a;b'",
    "''",
    '"a""b"',
    "x'00ff'",
    '1',
    '.5e-3',
    '0x1F',
    '1_0',
    'a',
    'b',
  ],
  ...[
    '?',
    '?1',
    ':p',
    '@p',
    '$p::q(r)',
    '#1',
    ';',
    ';;',
    ',',
    '(',
    ')',
    '*',
    '.',
    '=',
    '||',
    '->>',
    '<>',
    '~',
    '!',
  ],
  ...[
    '-- c\n',
    '/* c ; */',
    '/**/',
    '--',
    '/*',
    "'",
    '"',
    '[',
    '\n',
    '\t',
    '\f',
    '\ufeff',
    '\u00a0',
    'é',
    '😀',
  ],
];

const spaces = fc.constantFrom(' ', '\n', '\t', ' /* ; */ ', ' -- ;\n', '/**/', '');
const soup = fc
  .array(fc.oneof({ weight: 3, arbitrary: fc.constantFrom(...FRAGMENTS) }, fc.string({ maxLength: 3 })), {
    maxLength: 12,
  })
  .map((pieces) => pieces.join(' '));

/** A valid statement in which the spaces are others, and now and then something is missing, doubled or added. */
const mutated = fc
  .tuple(
    fc.constantFrom(...VALID),
    spaces,
    fc.option(fc.tuple(fc.nat(), fc.constantFrom(...FRAGMENTS)), { freq: 2 }),
    fc.boolean(),
  )
  .map(([sql, space, change, upper]) => {
    const words = sql.split(' ');
    if (change !== null) words.splice(change[0] % words.length, change[0] % 2, change[1]);
    const text = words.join(` ${space}`);
    return upper ? text.toUpperCase() : text;
  });

const text = fc.oneof(soup, mutated).filter((sql) => !sql.includes('\0') && isWellFormed(sql));

/** What the engine makes of the first statement of a text. */
function compiled(native: Native, sql: string): string {
  try {
    if (/^\s*explain\b/i.test(sql)) native.prepare(sql);
    const rows = native.prepare(`explain ${sql}`).raw().all([]) as unknown[][];
    // Some have addresses of memory in the fifth operand.
    return JSON.stringify(rows.map(([, opcode, p1, p2, p3]) => [opcode, p1, p2, p3]));
  } catch (error) {
    return (error as Error).message;
  }
}

function bytecode(native: Native, sql: string): unknown[][] | undefined {
  try {
    const statement = native.prepare(/^\s*explain\b/i.test(sql) ? sql : `explain ${sql}`).raw();
    return statement.all([]) as unknown[][];
  } catch {
    return undefined;
  }
}

/** Whether the bytecode takes no more than a read lock, of any database, and changes no setting. */
function onlyReads(rows: readonly unknown[][]): boolean {
  const acts = new Set([
    'Vacuum',
    'JournalMode',
    'AutoCommit',
    'Savepoint',
    'SetCookie',
    'Checkpoint',
    'IncrVacuum',
  ]);
  return rows.every(
    ([, opcode, , p2]) => !acts.has(String(opcode)) && !(opcode === 'Transaction' && p2 !== 0),
  );
}

describe('whatever the text, our lexer and the engine agree', { timeout: 120_000 }, () => {
  it('on where the first statement ends, 25,000 times', () => {
    const native = scratch();
    fc.assert(
      fc.property(
        fc.tuple(text, fc.constantFrom('', ';', '; select 2', ';;\n--'), text),
        ([first, between, rest]) => {
          const sql = `${first}${between}${rest}`;
          const { statements } = analyze(sql);
          const [statement] = statements;
          if (statement === undefined) {
            // Nothing but spaces, comments and semicolons.
            expect(native.prepare(sql).columns()).toEqual([]);
            return;
          }
          // Some pragmas act when they are compiled.
          if (statement.pragma !== undefined) return;
          expect(sql.slice(statement.offset, statement.offset + statement.text.length)).toBe(statement.text);
          const alone = compiled(native, statement.text);
          const together = compiled(native, sql.slice(statement.offset));
          // What is missing at the end of a text is told in other words.
          if (alone !== 'incomplete input') expect(alone).toBe(together);
        },
      ),
      { numRuns: 25_000 },
    );
  });

  it('that what we take for a read is one, 20,000 times', () => {
    const native = scratch();
    let reads = 0;
    fc.assert(
      fc.property(text, (sql) => {
        const [statement] = analyze(sql).statements;
        if (statement?.kind !== 'read' || statement.pragma !== undefined) return;
        if (statement.verb === 'EXPLAIN') return;
        const rows = bytecode(native, statement.text);
        if (rows === undefined) return;
        reads++;
        expect(onlyReads(rows)).toBe(true);
      }),
      { numRuns: 20_000 },
    );
    expect(reads).toBeGreaterThan(500);
  });

  it('on the numbers of parameters, 10,000 times', () => {
    const native = scratch();
    const parameter = fc.oneof(
      fc.constantFrom('?', ':a', '@a', '$a', ':B', '$a::b(c)', '?1', '?3', '?07'),
      fc.integer({ min: 1, max: 40 }).map((n) => `?${n}`),
    );
    const item = fc.tuple(parameter, fc.constantFrom('', ' -- ?\n', '/* :x */', ' + 0', " || ''"));
    fc.assert(
      fc.property(fc.array(item, { minLength: 1, maxLength: 8 }), (items) => {
        const sql = `select ${items.map(([name, after]) => name + after).join(', ')}, '?', "v" from (select 1 as v)`;
        const { parameters } = analyze(sql).statements[0] as ReturnType<typeof analyze>['statements'][number];
        const values = Array.from({ length: parameters.count }, (_, i) => BigInt(i + 1));
        const [row] = native.prepare(sql).raw().all(values) as unknown[][];
        items.forEach(([name], i) => {
          const bound = Number(row?.[i]);
          // Another one may name the same by its number.
          if (name === '?') expect(parameters.names[bound - 1] ?? '?').toMatch(/^\?/);
          else if (/^\?\d/.test(name)) expect(bound).toBe(Number(name.slice(1)));
          else expect(parameters.names[bound - 1]).toBe(name);
        });
      }),
      { numRuns: 10_000 },
    );
  });
});
