import { describe, expect, it } from 'vitest';
import { failureOf } from '../capabilities.js';
import { isLocal, isPublicClient, newName, shareScene } from '../feature.js';
import { type Cases, raw } from '../scene.js';

/**
 * What the tests of the model systems pin and a port would miss, by their numbers in the inventory; others are in the
 * titles of other tests. `test/inventory.test.ts` looks whether all are there.
 */
export const edgeCases: Cases = (target, builder) => {
  const scene = shareScene(target, builder);
  const values = (sql: string, ...args: unknown[]): Promise<unknown[][]> => scene().db.values(sql, args);

  describe('parameters', () => {
    it('a number is an INTEGER: JSON arrows, TEXT columns, integer division (#2, #3)', async () => {
      expect(await values("select '[1,2,3]' -> ?", 1)).toEqual([['2']]);
      expect(await values('select typeof(?), 7 / ?', 123, 2)).toEqual([['integer', 3]]);
    });

    it('the smallest and largest 64-bit integers come back exactly, and larger ones are refused (#4, #5)', async () => {
      const { database } = scene();
      for (const n of [9223372036854775807n, -9223372036854775808n]) {
        await database.execute('insert into samples (id, i) values (?, ?)', [1, n]);
        const text = await database.execute('select cast(i as text) as t from samples', []);
        expect(text.rows).toEqual([{ t: String(n) }]);
        const { kind } = await failureOf(values('select i as big from samples'));
        expect(kind).toBe(isPublicClient(target) ? 'capability' : 'value');
        await database.execute('delete from samples');
      }
      expect(await failureOf(values('select ?', 2n ** 64n))).toMatchObject({
        kind: 'parameter',
        parameter: 0,
      });
    });

    it('a name that is missing is an error, for a column that may be null too; case counts (#7, #8)', async () => {
      const client = await scene().db.client();
      const insert = 'insert into samples (id, t, i) values (:id, :Name, :age)';
      for (const args of [
        { id: 1, Name: 'a' },
        { id: 1, name: 'a', age: null },
      ]) {
        const error = await failureOf(client.execute(insert, args));
        expect(error.kind).toBe('parameter');
        expect(error.message).toMatch('Name' in args ? /:age/ : /:Name/);
      }
      expect(await scene().db.count('samples')).toBe(0);
    });

    it('an object for ? is an error, and so is a key that no parameter has: both hide a mistake (#9, #10)', async () => {
      const client = await scene().db.client();
      expect((await failureOf(client.execute('select ?', { a: 1 }))).kind).toBe('parameter');
      expect((await failureOf(client.execute('select :a', { a: 1, b: 2 }))).message).toContain('b');
    });

    it('what stands in a string or comment is no parameter; one name is one value (#11, #12)', async () => {
      const client = await scene().db.client();
      const sql = "select ':not_a_param @x $y ?' as s, :x as a, /* :c */ :x as b, :y as c -- ?";
      expect((await client.execute(sql, { x: 1, y: 2 })).rows).toEqual([
        { s: ':not_a_param @x $y ?', a: 1, b: 1, c: 2 },
      ]);
    });
  });

  describe('statements', () => {
    it('RETURNING in a text is no clause (#13)', async () => {
      const { db } = scene();
      for (const text of ['Error: RETURNING failed', 'Error RETURNING', 'NORETURNING']) {
        const { rowsAffected } = await db.run(raw(`insert into samples (t) values ('${text}')`));
        expect(rowsAffected).toBe(1);
      }
      expect(await values('select count(*) from samples where t like ?', '%returning%')).toEqual([[3]]);
      await db.run({ op: 'delete', from: 'samples' });
    });

    it('comments, case and spaces before a keyword do not matter (#14)', async () => {
      for (const sql of [
        '-- c\nselect 1',
        '/* c */ -- d\n SELECT 1',
        '  \n\tvAlUeS (1)',
        'with x as (select 1) select * from x',
      ]) {
        expect(await values(sql)).toEqual([[1]]);
      }
      expect(await values('  PrAgMa user_version')).toEqual([[0]]);
      for (const sql of ['SELECTED 1', 'PRAGMATIC', 'WITHIN x as (select 1) select 1']) {
        expect((await failureOf(values(sql))).kind).toBe('sql');
      }
    });

    it('WITH … INSERT is a write, and its number of rows is right (#15)', async () => {
      const { db } = scene();
      const insert = 'with x (v) as (values (1), (2)) insert into samples (i) select v from x';
      expect((await db.run(raw(insert))).rowsAffected).toBe(2);
      expect((await db.run(raw(`${insert} returning i`))).rows).toEqual([{ i: 1 }, { i: 2 }]);
      await db.run({ op: 'delete', from: 'samples' });
    });

    it('a script is not split at a ; in a text or trigger (#20)', async () => {
      const { database } = scene();
      const [table, log] = [newName(), newName('log')];
      await database.script(`
        create table ${table} (v default 'a;b'); create table ${log} (v); -- ; no
        create trigger ${table}_t after insert on ${table} begin
          insert into ${log} values (new.v || ';'); insert into ${log} values (case 1 when 1 then 'end;' end);
        end;
        insert into ${table} values ('x;y');`);
      expect(await values(`select v from ${log}`)).toEqual([['x;y;'], ['end;']]);
    });

    it("'' and NULL are two things, in a stream too (#25)", async () => {
      const { db } = scene();
      await db.run(raw("insert into samples (id, t) values (1, ''), (2, null)"));
      const select = { op: 'select', from: 'samples', columns: ['t'], orderBy: [['id', 'asc']] } as const;
      expect((await db.run(select)).rows).toEqual([{ t: '' }, { t: null }]);
      const streamed: unknown[] = [];
      for await (const row of db.stream(select)) streamed.push(row['t']);
      expect(streamed).toEqual(['', null]);
      await db.run({ op: 'delete', from: 'samples' });
    });

    it('IN () finds nothing, one value, several, a query; numbering goes on after it (#38, #39)', async () => {
      const { db } = scene();
      await db.run({ op: 'insert', into: 'accounts', rows: [1, 2, 3].map((id) => ({ id, name: `n${id}` })) });
      const ids = async (where: object[]): Promise<unknown> =>
        (
          await db.run({
            op: 'select',
            from: 'accounts',
            columns: ['id'],
            where: where as never,
            orderBy: [['id', 'asc']],
          })
        ).rows?.map((row) => row['id']);
      expect(await ids([{ column: 'id', is: 'in', values: [] }])).toEqual([]);
      expect(await ids([{ column: 'id', is: 'in', values: [2] }])).toEqual([2]);
      const after = { column: 'name', is: '=', value: 'n3' };
      expect(await ids([{ column: 'id', is: 'in', values: [1, 3] }, after])).toEqual([3]);
      const query = {
        op: 'select',
        from: 'accounts',
        columns: ['id'],
        where: [{ column: 'id', is: '>', value: 1 }],
      };
      expect(await ids([{ column: 'id', is: 'in query', query }, after])).toEqual([3]);
      await db.run({ op: 'delete', from: 'accounts' });
    });

    it('RETURNING of an UPDATE and DELETE names plain columns (#44)', async () => {
      const { db } = scene();
      await db.run({ op: 'insert', into: 'accounts', rows: [{ id: 1, name: 'a' }] });
      const where = [{ column: 'id', is: '=', value: 1 }] as const;
      const updated = await db.run({
        op: 'update',
        table: 'accounts',
        set: { name: 'b' },
        where,
        returning: true,
      });
      expect(updated.rows).toMatchObject([{ id: 1, name: 'b' }]);
      const gone = await db.run({ op: 'delete', from: 'accounts', where, returning: true });
      expect(gone.rows).toMatchObject([{ name: 'b' }]);
      expect((await db.run({ op: 'delete', from: 'accounts', where, returning: true })).rows).toEqual([]);
    });

    it('UPDATE … FROM runs (#45)', async () => {
      const { db } = scene();
      await db.run({ op: 'insert', into: 'accounts', rows: [{ id: 1, name: 'a' }] });
      const sql = 'update accounts set note = x.v from (select 1 as id, ? as v) x where accounts.id = x.id';
      expect((await db.run(raw(sql, 'from'))).rowsAffected).toBe(1);
      expect(await values('select note from accounts')).toEqual([['from']]);
      await db.run({ op: 'delete', from: 'accounts' });
    });

    it('a condition on NULL finds it (#46)', async () => {
      const { db } = scene();
      await db.run({ op: 'insert', into: 'accounts', rows: [{ id: 1, name: 'a' }] });
      const where = [{ column: 'note', is: 'null' }] as const;
      expect(
        (await db.run({ op: 'update', table: 'accounts', set: { balance: 5 }, where })).rowsAffected,
      ).toBe(1);
      expect((await db.run({ op: 'delete', from: 'accounts', where })).rowsAffected).toBe(1);
    });

    it("' and \\ go in and come out as they are (#47)", async () => {
      const { db } = scene();
      const text = 'it\'s a\\b "c" `d` %_ ; --';
      await db.run({ op: 'insert', into: 'samples', rows: [{ id: 1, t: text }] });
      const found = await db.run({
        op: 'select',
        from: 'samples',
        where: [{ column: 't', is: '=', value: text }],
      });
      expect(found.rows).toMatchObject([{ t: text }]);
      await db.run({ op: 'delete', from: 'samples' });
    });

    it('LIKE ignores the case of ASCII and = does not; division by 0, NULLs in order, count and sum (#81, #82)', async () => {
      expect(await values("select 'ABC' like 'abc', 'ABC' = 'abc', 10 / 0")).toEqual([[1, 0, null]]);
      const sql = 'with x (v) as (values (2), (null), (1)) select';
      expect(await values(`${sql} v from x order by v`)).toEqual([[null], [1], [2]]);
      expect(await values(`${sql} count(v), count(*), sum(v) from x`)).toEqual([[2, 3, 3]]);
    });
  });

  describe('values', () => {
    it('decimals, microseconds and UUIDs stay as they are in TEXT (#30, #32, #37)', async () => {
      const { db } = scene();
      const texts = [
        '123.45',
        '-999.9990',
        '0.1234567890123456789',
        '2024-01-15T10:30:45.123456Z',
        crypto.randomUUID(),
      ];
      await db.run({ op: 'insert', into: 'samples', rows: texts.map((t, id) => ({ id, t })) });
      expect(await values('select t from samples order by id')).toEqual(texts.map((text) => [text]));
      const where = [{ column: 't', is: '=', value: texts[4] }] as const;
      expect(await db.count('samples', where)).toBe(1);
      await db.run({ op: 'delete', from: 'samples' });
    });

    it('memory is one database for any number of transactions at a time (#66)', async () => {
      const { db } = scene();
      await Promise.all(
        Array.from({ length: 12 }, (_, id) =>
          db.transaction((tx) => tx.run({ op: 'insert', into: 'samples', rows: [{ id, i: id }] })),
        ),
      );
      expect(await db.count('samples')).toBe(12);
      await db.run({ op: 'delete', from: 'samples' });
    });

    it('an R*Tree has 3 to 11 columns, an odd number; else it is an error of its own (#74)', async () => {
      const { db } = scene();
      for (const columns of ['id, a', 'id, a, b, c', Array.from({ length: 13 }, (_, i) => `c${i}`).join()]) {
        const create = `create virtual table ${newName('r')} using rtree(${columns})`;
        expect((await failureOf(db.run(raw(create)))).kind).toBe('sql');
      }
    });

    it('a default that is an expression needs parentheses, and options of a table may exclude each other (#75, #77)', async () => {
      const { db, database } = scene();
      expect(
        (await failureOf(db.run(raw(`create table ${newName()} (a default datetime('now'))`)))).kind,
      ).toBe('sql');
      const table = newName();
      await database.execute(
        `create table ${table} (a default (datetime('now')), b default 'it''s', c default '{}')`,
      );
      await db.run(raw(`insert into ${table} default values`));
      expect(await values(`select length(a), b, c from ${table}`)).toEqual([[19, "it's", '{}']]);
      const wrong = [
        '(id integer primary key autoincrement) random rowid',
        '(id integer) random rowid strict',
      ];
      for (const rest of wrong) {
        expect((await failureOf(db.run(raw(`create table ${newName()} ${rest}`)))).kind).toBe('sql');
      }
      if (isLocal(target)) await db.run(raw(`create table ${newName()} (id integer) random rowid, strict`));
      expect((await failureOf(db.run(raw(`create table ${newName()} (d datetime) strict`)))).kind).toBe(
        'sql',
      );
    });
  });
};
