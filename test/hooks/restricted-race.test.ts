import { setTimeout as pause } from 'node:timers/promises';
import { inspect } from 'node:util';
import { createClient } from '@libsql/client/web';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { LibsqlConnection } from '../../src/engine/libsql/connection.js';
import { AccessError, type AccessRule, BusyError, type Database } from '../../src/index.js';
import { startProgram } from '../support/child.js';
import { openDatabase, openFile } from '../support/database.js';
import { failure } from '../support/outcome.js';
import { startSqld } from '../support/sqld.js';

const RULES: AccessRule[] = [
  { effect: 'deny', actions: ['read'], columns: ['password'] },
  { effect: 'allow', actions: ['read', 'insert'], tables: ['users', 'target'] },
];
const SETUP = `
  create table users (id integer primary key, password text); create table target (v text);
  insert into users values (1, 's3cret'); create view shown as select id as v from users`;
const SHOW_PASSWORD = 'drop view shown; create view shown as select password as v from users';
const READ = 'select v from shown';
const WRITE = 'insert into target select v from shown';

async function streamed(db: Database, sql: string, timeout?: number): Promise<unknown[]> {
  const rows: unknown[] = [];
  for await (const row of db.stream(sql, [], { timeout })) rows.push(row);
  return rows;
}

const WAYS: readonly (readonly [string, string, (view: Database, sql: string) => Promise<unknown>])[] = [
  ['execute()', READ, (view, sql) => view.execute(sql)],
  ['a timeout', READ, (view, sql) => view.execute(sql, [], { timeout: 9_000 })],
  ['a stream', READ, (view, sql) => streamed(view, sql)],
  ['a stream with a timeout', READ, (view, sql) => streamed(view, sql, 9_000)],
  ['get()', READ, (view, sql) => view.prepare(sql).get()],
  ['a batch', READ, (view, sql) => view.batch([sql])],
  [
    'an independent batch',
    READ,
    async (view, sql) => {
      const [outcome] = await view.batch([sql], { atomic: false });
      if (outcome?.status === 'rejected') throw outcome.reason;
      return outcome;
    },
  ],
  ['a write', WRITE, (view, sql) => view.execute(sql)],
  ['a write with a timeout', WRITE, (view, sql) => view.execute(sql, [], { timeout: 9_000 })],
  ['a script', WRITE, (view, sql) => view.script(sql)],
  ['an atomic script', WRITE, (view, sql) => view.script(sql, { atomic: true, behavior: 'immediate' })],
  ['a transaction', READ, (view, sql) => view.transaction((tx) => tx.execute(sql))],
  [
    'a transaction that writes',
    WRITE,
    (view, sql) => view.transaction((tx) => tx.execute(sql), { behavior: 'immediate' }),
  ],
];

describe('a view that another process changes between the decision and the statement', () => {
  it.each(WAYS)('is not shown by %s', async (_way, sql, run) => {
    const { db, look, other } = await openFile(SETUP);
    const view = db.restricted(RULES);
    let left = 0;
    const change = (text: string): void => {
      if (text !== sql || left === 0) return;
      left--;
      try {
        other.exec(SHOW_PASSWORD);
      } catch {
        // The statement is in a transaction that keeps others from writing.
      }
    };
    const { execute, openCursor } = LibsqlConnection.prototype;
    const spies = [
      vi.spyOn(LibsqlConnection.prototype, 'execute').mockImplementation(function (
        this: LibsqlConnection,
        ...args
      ) {
        change(args[0].text);
        return execute.apply(this, args);
      }),
      vi.spyOn(LibsqlConnection.prototype, 'openCursor').mockImplementation(function (
        this: LibsqlConnection,
        ...args
      ) {
        change(args[0].text);
        return openCursor.apply(this, args);
      }),
    ];
    onTestFinished(() => spies.forEach((spy) => spy.mockRestore()));
    for (const known of [false, true]) {
      if (known) await run(view, sql);
      left = 1;
      const outcome = await run(view, sql).catch((error: unknown) => error);
      expect(left).toBe(0);
      const shown = inspect([outcome, look('select * from target')], { depth: 9 });
      expect(shown).not.toContain('s3cret');
      if (outcome instanceof Error) expect([AccessError, BusyError]).toContain(outcome.constructor);
      other.exec('drop view shown; create view shown as select id as v from users');
    }
  });

  it('is not shown while a process does that all the time', { timeout: 30_000 }, async () => {
    const { db, file } = await openFile(`${SETUP}; pragma user_version = 0`);
    const view = db.restricted(RULES);
    const child = await startProgram('flip-view.ts', file);
    await child.message();
    let [allowed, refused] = [0, 0];
    const end = performance.now() + 1_500;
    for (let i = 0; performance.now() < end; i++) {
      const [, sql, run] = WAYS[i % WAYS.length] as (typeof WAYS)[number];
      const outcome = await run(view, sql).catch((error: unknown) => error);
      expect(inspect(outcome, { depth: 9 })).not.toContain('s3cret');
      if (outcome instanceof AccessError) refused++;
      else allowed++;
      if (i % 10 === 0) await pause(1);
    }
    child.kill('SIGKILL');
    await child.ended;
    expect((await db.execute("select * from target where v = 's3cret'")).rows).toEqual([]);
    expect(Math.min(allowed, refused)).toBeGreaterThan(5);
  });

  it('does not make a reader fail with an error of the view that it may not see', async () => {
    const { db, other } = await openFile(SETUP);
    const view = db.restricted(RULES);
    await view.execute(READ);
    // The text is no JSON, and the failure would tell that.
    other.exec("drop view shown; create view shown as select json_extract(password, '$') as v from users");
    await failure(view.execute(READ), AccessError);
    await failure(view.execute(READ, [], { timeout: 9_000 }), AccessError);
  });
});

describe.each(['http', 'ws'])('at a server, over %s', (scheme) => {
  it('a view that another client changes all the time is not shown', { timeout: 60_000 }, async () => {
    const sqld = await startSqld();
    const other = createClient({ url: sqld.url });
    const db = openDatabase({ url: sqld.url.replace(/^http/, scheme) });
    await db.script(SETUP);
    const view = db.restricted(RULES);
    for (const [, sql, run] of WAYS) await run(view, sql);
    const stop = new AbortController();
    onTestFinished(async () => {
      stop.abort();
      await flipping;
      other.close();
    });
    const flipping = (async () => {
      while (!stop.signal.aborted) {
        for (const column of ['password', 'id']) {
          await other.batch(
            ['drop view shown', `create view shown as select ${column} as v from users`],
            'write',
          );
          await pause(2);
        }
      }
    })();
    let [allowed, refused] = [0, 0];
    for (let i = 0; i < 8 * WAYS.length; i++) {
      const [, sql, run] = WAYS[i % WAYS.length] as (typeof WAYS)[number];
      const outcome = await run(view, sql).catch((error: unknown) => error);
      expect(inspect(outcome, { depth: 9 })).not.toContain('s3cret');
      if (outcome instanceof AccessError) refused++;
      else if (!(outcome instanceof Error)) allowed++;
    }
    expect((await db.execute("select * from target where v = 's3cret'")).rows).toEqual([]);
    expect(Math.min(allowed, refused)).toBeGreaterThan(5);
  });
});
