import { expect, it, onTestFinished } from 'vitest';
import { open } from '../../../src/index.js';
import { collect } from '../../support/outcome.js';
import { startSqld } from '../../support/sqld.js';

const ROUNDS = 25;

it.each(['http', 'ws'] as const)('%s: a read replica of the server shows own writes', async (protocol) => {
  const primary = await startSqld();
  const replica = await startSqld({ primary });
  const url = protocol === 'http' ? replica.url : replica.wsUrl;
  const db = open(url);
  const careless = open({ url, readYourWrites: false });
  const direct = open(primary.url);
  onTestFinished(async () => {
    for (const handle of [db, careless, direct]) await handle.close();
  });
  await db.execute('create table t (a)');
  let written = 0;
  const write = async (): Promise<number> => {
    await db.execute('insert into t values (?)', [++written]);
    return written;
  };
  const ASK = 'select max(a) as a from t';
  for (let i = 0; i < ROUNDS; i++) {
    const own = await write();
    expect((await db.execute(ASK)).rows).toEqual([{ a: own }]);
    const second = await write();
    expect(await collect(db.stream(ASK))).toEqual([{ a: second }]);
    const third = await write();
    expect((await db.batch([ASK, 'select 1']))[0]?.rows).toEqual([{ a: third }]);
    const fourth = await write();
    const read = await db.transaction((tx) => tx.execute(ASK), { behavior: 'read' });
    expect(read.rows).toEqual([{ a: fourth }]);
    await db.transaction((tx) => tx.execute('insert into t values (?)', [++written]));
    expect((await db.execute(ASK)).rows).toEqual([{ a: written }]);
    await db.batch([{ sql: 'insert into t values (?)', args: [++written] }]);
    expect((await db.execute(ASK)).rows).toEqual([{ a: written }]);
  }
  // Without it they are missed, or the test would show nothing.
  let missed = 0;
  for (let i = 0; i < 10 * ROUNDS && missed === 0; i++) {
    await careless.execute('insert into t values (?)', [++written]);
    const { rows } = await careless.execute(ASK);
    if (rows[0]?.['a'] !== written) missed++;
  }
  expect(missed).toBe(1);
});

it('a server that was restored from an older copy is waited for by nobody', async () => {
  const primary = await startSqld();
  const db = open(primary.url);
  onTestFinished(() => db.close());
  await db.execute('create table t (a)');
  await primary.stop();
  primary.backUp();
  await primary.start();
  for (let i = 0; i < 20; i++) await db.execute('insert into t values (?)', [i]);
  await primary.stop();
  primary.restore();
  await primary.start();
  expect((await db.execute('select count(*) as n from t', [], { timeout: 5_000 })).rows).toEqual([{ n: 0 }]);
  await db.execute('insert into t values (1)');
  expect((await db.execute('select count(*) as n from t', [], { timeout: 5_000 })).rows).toEqual([{ n: 1 }]);
});
