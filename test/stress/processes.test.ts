import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Libsql from 'libsql';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { open } from '../../src/index.js';
import { spawnTied } from '../../scripts/spawn-tied.mjs';
import { childPath, runChild } from './run-child.js';

const LONGEST_STALL = 100;

let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'turso-dialect-stress-'));
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

function outside<T>(path: string, sql: string): T {
  const database = new Libsql(path);
  const row = database.prepare(sql).raw().get([]) as [T];
  database.close();
  return row[0];
}

async function makeCounter(path: string): Promise<void> {
  await using db = open(path);
  await db.script('create table counter (n integer); insert into counter values (0)');
}

describe('concurrent increments of one counter', () => {
  it('add up in 4 processes of 200 each, with no event loop standing still', {
    timeout: 120_000,
  }, async () => {
    const path = join(folder, 'processes.db');
    await makeCounter(path);
    const children = await Promise.all([1, 2, 3, 4].map(() => runChild('increment.mjs', [path, '200'])));
    for (const { code, stdout, stderr } of children) {
      expect(stderr).toBe('');
      expect(code).toBe(0);
      expect(JSON.parse(stdout).stall).toBeLessThan(LONGEST_STALL);
    }
    expect(outside(path, 'select n from counter')).toBe(800);
  });

  it.each(['memory', 'file', 'file, several handles'])('add up in one process: %s', async (kind) => {
    const path = kind === 'memory' ? ':memory:' : join(folder, `one-${kind.length}.db`);
    if (kind !== 'memory') await makeCounter(path);
    const handles = Array.from({ length: kind.endsWith('handles') ? 5 : 1 }, () => open(path));
    const [first] = handles;
    if (kind === 'memory')
      await first?.script('create table counter (n integer); insert into counter values (0)');
    let last = performance.now();
    let stall = 0;
    const interval = setInterval(() => {
      const now = performance.now();
      stall = Math.max(stall, now - last - 5);
      last = now;
    }, 5);
    const increment = (i: number): Promise<unknown> | undefined =>
      handles[i % handles.length]?.transaction(async (tx) => {
        const { rows } = await tx.execute<{ n: number }>('select n from counter');
        await new Promise((resolve) => setTimeout(resolve, 1));
        await tx.execute('update counter set n = ?', [(rows[0]?.n ?? 0) + 1]);
      });
    await Promise.all(Array.from({ length: 50 }, (_, i) => increment(i)));
    clearInterval(interval);
    expect(stall).toBeLessThan(LONGEST_STALL);
    expect((await first?.execute('select n from counter'))?.rows).toEqual([{ n: 50 }]);
    for (const handle of handles) await handle.close();
  });
});

describe('kill -9 in the middle of writes', () => {
  it('loses no acknowledged commit and leaves nothing half done, 100 times', {
    timeout: 240_000,
  }, async () => {
    const path = join(folder, 'killed.db');
    await using db = open(path);
    await db.execute(
      'create table log (grp integer not null, part integer not null, primary key (grp, part))',
    );
    await db.close();
    let next = 1;
    let acknowledged = 0;
    for (let round = 0; round < 100; round++) {
      const groups = await writeUntilKilled(path, next);
      acknowledged += groups.length;
      const check = new Libsql(path);
      const present = new Set(
        check
          .prepare('select distinct grp from log')
          .raw()
          .all([])
          .map((row) => (row as [number])[0]),
      );
      for (const group of groups) expect(present.has(group), `group ${group} of round ${round}`).toBe(true);
      const partial = check.prepare(
        'select count(*) from (select grp from log group by grp having count(*) <> 3)',
      );
      expect(partial.raw().get([])).toEqual([0]);
      if (round % 10 === 9) expect(check.prepare('pragma integrity_check').raw().all([])).toEqual([['ok']]);
      check.close();
      next = Math.max(next, ...present) + 1;
    }
    expect(acknowledged).toBeGreaterThan(1_000);
  });
});

/** Starts a writer, kills it at a random moment after its first commit, and gives the groups that it acknowledged. */
async function writeUntilKilled(path: string, first: number): Promise<number[]> {
  const args = [childPath('write-until-killed.mjs'), path, String(first)];
  const child = spawnTied('node', args, { stdio: ['ignore', 'pipe', 'pipe'] });
  let printed = '';
  let errors = '';
  child.stdout?.on('data', (chunk) => {
    if (printed === '') setTimeout(() => child.kill('SIGKILL'), Math.random() * 40);
    printed += chunk;
  });
  child.stderr?.on('data', (chunk) => {
    errors += chunk;
  });
  await new Promise((resolve) => child.on('close', resolve));
  expect(errors).toBe('');
  // What follows the last line break may be cut off.
  return printed.split('\n').slice(0, -1).map(Number);
}

describe('under ulimit -n 256', () => {
  it('2,000 transactions and 500 databases opened and closed complete', { timeout: 240_000 }, async () => {
    const { code, stdout, stderr } = await runChild('descriptors.mjs', [folder], 256);
    expect(stderr).toBe('');
    expect(code).toBe(0);
    const { transactions, most, left } = JSON.parse(stdout);
    expect(transactions).toBe(2_000);
    expect(most).toBeLessThan(200);
    expect(left).toBeLessThan(200);
  });
});

describe('streaming a million rows', () => {
  it('adds less than 64 MB of resident memory and leaves the event loop its turns', {
    timeout: 240_000,
  }, async () => {
    const path = join(folder, 'stream.db');
    await using db = open(path);
    await db.execute('create table rows (id integer primary key, name text, n integer)');
    await db.execute(
      "insert into rows select value, 'the name of row ' || value, value % 90 from generate_series(1, 1000000)",
    );
    await db.close();
    const { code, stdout, stderr } = await runChild('stream.mjs', [path]);
    expect(stderr).toBe('');
    expect(code).toBe(0);
    const { count, added, ticks } = JSON.parse(stdout);
    expect(count).toBe(1_000_000);
    expect(added).toBeLessThan(64);
    expect(ticks).toBeGreaterThan(10);
  });

  it('leaves no lock when it is left early, a thousand times', async () => {
    const path = join(folder, 'left.db');
    await using db = open(path);
    await db.execute('create table rows (id integer primary key)');
    await db.execute('insert into rows select value from generate_series(1, 2000)');
    for (let i = 0; i < 1_000; i++) {
      for await (const _row of db.stream('select id from rows', [], { batchSize: 10 })) break;
    }
    await db.execute('insert into rows values (2001)');
    expect(outside(path, 'pragma wal_checkpoint(truncate)')).toBe(0);
    await db.execute('drop table rows');
  });
});
