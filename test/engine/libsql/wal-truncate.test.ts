import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { renameSync, statSync, symlinkSync } from 'node:fs';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import type { Config, Database, WalEvent } from '../../../src/index.js';
import { runProgram } from '../../support/child.js';
import { openDatabase, openFile, temporaryFile } from '../../support/database.js';
import { holdLock } from '../../support/lock.js';
import { pause, turn } from '../../support/time.js';

const TABLE = 'create table t (id integer primary key, b)';
const MB = 1_000_000;
const CUT = { after: 100, above: MB } as const;
const SNAPSHOT = 'begin; select count(*) from t';

function sizeOf(file: string): number {
  return statSync(`${file}-wal`, { throwIfNoEntry: false })?.size ?? 0;
}

/** What is told about logs until the test ends. */
function listen(): WalEvent[] {
  const told: WalEvent[] = [];
  const listener = (message: unknown): void => void told.push(message as WalEvent);
  subscribe('turso-dialect:wal', listener);
  onTestFinished(() => void unsubscribe('turso-dialect:wal', listener));
  return told;
}

/** A file whose log was 3 MB long when its last writer wrote it. */
async function openLong(config: Partial<Config> = {}): Promise<{ db: Database; file: string }> {
  const { db, file } = await openFile(TABLE, { walTruncate: CUT, ...config });
  await fill(db, 3);
  return { db, file };
}

async function fill(db: Database, megabytes: number): Promise<void> {
  // In one transaction, so that no checkpoint comes between.
  await db.script(`insert into t (b) values (randomblob(${MB}));`.repeat(megabytes), { atomic: true });
}

/** A file whose log is 17 MB long 20 s after a handle with this config has written to it. */
async function longAfter20s(config: Partial<Config>): Promise<string> {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
  onTestFinished(() => void vi.useRealTimers());
  const { db: writer, file } = await openFile(TABLE, { walTruncate: false });
  const db = openDatabase({ url: file, ...config });
  await db.execute('select 1');
  // A log that has only just begun is begun again by no write after it.
  const held = await holdLock(file, SNAPSHOT);
  await fill(writer, 17);
  await db.execute('insert into t (b) values (1)').catch(() => {});
  await held.release();
  for (let i = 0; i < 20; i++) vi.advanceTimersByTime(1_000);
  vi.useRealTimers();
  return file;
}

async function untilTold(told: WalEvent[], outcome: WalEvent['outcome']): Promise<void> {
  const outcomes = (): string[] => told.map((event) => event.outcome);
  await vi.waitFor(() => expect(outcomes()).toContain(outcome), { timeout: 5_000, interval: 10 });
}

async function untilCut(file: string): Promise<void> {
  await vi.waitFor(() => expect(sizeOf(file)).toBe(0), { timeout: 5_000, interval: 20 });
}

describe('the log of a file', () => {
  it('is cut when nothing was written for a while, and every row is there', async () => {
    const told = listen();
    const { db, file } = await openLong();
    expect(sizeOf(file)).toBeGreaterThan(3 * MB);
    await untilTold(told, 'truncated');
    expect(sizeOf(file)).toBe(0);
    expect(told.at(-1)).toMatchObject({ outcome: 'truncated', path: file, error: undefined });
    expect(told.at(-1)?.size).toBeGreaterThan(3 * MB);
    expect(await db.execute('select count(*) as c, sum(length(b)) as s from t')).toMatchObject({
      rows: [{ c: 3, s: 3 * MB }],
    });
    await fill(db, 1);
    expect((await db.execute('pragma integrity_check')).rows).toEqual([{ integrity_check: 'ok' }]);
  });

  it('keeps its size while another process reads from it, is told about, and is cut after that', async () => {
    const told = listen();
    const { db, file } = await openFile(TABLE, { walTruncate: CUT });
    const reader = await holdLock(file, SNAPSHOT);
    for (let i = 0; i < 6; i++) await fill(db, 1);
    const size = sizeOf(file);
    expect(size).toBeGreaterThan(6 * MB);
    await untilTold(told, 'busy');
    const busy = told.find(({ outcome }) => outcome === 'busy');
    expect(busy).toMatchObject({ path: file, size });
    // The reader needs what the log has, from its snapshot on.
    expect(busy?.frames).toBeGreaterThan(1_400);
    expect(busy?.checkpointed).toBeLessThan(10);
    expect(sizeOf(file)).toBe(size);
    await reader.release();
    // It keeps its size when the reader has gone, until somebody cuts it.
    await untilTold(told, 'truncated');
    expect(sizeOf(file)).toBe(0);
  });

  it('is told about while it grows, each time it has doubled', async () => {
    const told = listen();
    const { db, file } = await openFile(TABLE, { walTruncate: { after: 100, above: MB } });
    const reader = await holdLock(file, SNAPSHOT);
    const grown = (): number => told.filter(({ outcome }) => outcome === 'grown').length;
    await fill(db, 2);
    await vi.waitFor(() => expect(grown()).toBe(1), 5_000);
    await fill(db, 4);
    await vi.waitFor(() => expect(grown()).toBe(2), 5_000);
    const sizes = told.filter(({ outcome }) => outcome === 'grown').map(({ size }) => size);
    expect(sizes[1]).toBeGreaterThanOrEqual(2 * (sizes[0] ?? Infinity));
    reader.kill();
  });

  it('is cut through a link to the file, and with a key', async () => {
    const file = temporaryFile();
    const encryptionKey = 'k'.repeat(32);
    symlinkSync(file, `${file}.link`);
    const db = openDatabase({ url: `${file}.link`, encryptionKey, walTruncate: CUT });
    await db.script(TABLE);
    await fill(db, 3);
    expect(sizeOf(file)).toBeGreaterThan(3 * MB);
    await untilCut(file);
    expect(await db.execute('select count(*) as c from t')).toMatchObject({ rows: [{ c: 3 }] });
  });

  it('is cut on another thread', async () => {
    const { db, file } = await openFile(TABLE, { walTruncate: CUT });
    await fill(db, 1);
    const before = statSync(file).size;
    const reader = await holdLock(file, SNAPSHOT);
    await fill(db, 30);
    await reader.release();
    let turnsMeanwhile = 0;
    while (sizeOf(file) > 0) {
      await turn();
      if (statSync(file).size > before && sizeOf(file) > 0) turnsMeanwhile++;
    }
    expect(turnsMeanwhile).toBeGreaterThan(5);
  });

  it('lets writers of this process through', async () => {
    const { db, file } = await openFile(TABLE, { walTruncate: CUT });
    await fill(db, 20);
    const writer = openDatabase({ url: file, walTruncate: false });
    let written = 20;
    // It is told at the end of the first try.
    for (const told = listen(); !told.some(({ outcome }) => outcome !== 'grown'); written++) {
      await writer.execute('insert into t (b) values (1)');
      await pause(1);
    }
    expect(await db.execute('select count(*) as c from t')).toMatchObject({ rows: [{ c: written }] });
  });

  it.each<[string, Partial<Config>]>([
    ['walTruncate is false', { walTruncate: false }],
    ['it is shorter', { walTruncate: { above: 100 * MB } }],
    ['the handle only reads', { walTruncate: {}, pragmas: { query_only: true } }],
    ['checkpoints are the affair of the application', { pragmas: { wal_autocheckpoint: 0 } }],
    ['no pragma is set', { pragmas: false }],
    ['nobody waits for a lock', { busyTimeout: 0 }],
  ])('is left alone where %s', async (_why, config) => {
    const file = await longAfter20s(config);
    await pause(100);
    expect(sizeOf(file)).toBeGreaterThan(17 * MB);
  });

  it('is cut after 10 s where nothing is set', async () => {
    await untilCut(await longAfter20s({}));
  });

  it('is left alone by a handle that was opened read only', async () => {
    const { file } = await openLong({ walTruncate: false });
    const reading = openDatabase({ url: `file:${file}?mode=ro`, walTruncate: CUT });
    await expect(reading.execute('insert into t (b) values (1)')).rejects.toThrow(/readonly/);
    await pause(250);
    expect(sizeOf(file)).toBeGreaterThan(3 * MB);
  });

  it('is cut where the application asks for it, whatever else is set', async () => {
    const { file } = await openLong({ pragmas: { wal_autocheckpoint: 0 }, busyTimeout: 0 });
    await untilCut(file);
  });

  it('can be closed while it is cut', async () => {
    const { db, file } = await openFile(TABLE, { walTruncate: CUT });
    await fill(db, 40);
    const keeps = openDatabase({ url: file, walTruncate: false });
    await keeps.execute('select 1');
    await pause(105);
    await db.close();
    const size = sizeOf(file);
    await pause(200);
    expect(sizeOf(file)).toBe(size);
    expect((await keeps.execute('pragma integrity_check')).rows).toEqual([{ integrity_check: 'ok' }]);
  });

  it('keeps no process alive', async () => {
    const { file } = await openFile(TABLE);
    const start = performance.now();
    expect(await runProgram('write-and-leave.ts', file)).toMatchObject({ code: 0, signal: null, stderr: '' });
    expect(performance.now() - start).toBeLessThan(30_000);
  });

  it('of a file that was removed is told about, and nothing fails', async () => {
    const told = listen();
    const { file } = await openLong();
    renameSync(file, `${file}.moved`);
    await untilTold(told, 'failed');
    expect(told.at(-1)?.error?.message).toMatch(/removed after it was opened/);
  });
});
