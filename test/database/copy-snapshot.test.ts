import type * as Files from 'node:fs/promises';
import { expect, it, vi } from 'vitest';
import { openDatabase, openFile, temporaryFile } from '../support/database.js';

/** What somebody else does just before a file is copied, by its number. */
const before = vi.hoisted(() => ({ copy: (_number: number): void => {}, copied: 0 }));

vi.mock('node:fs/promises', async (original) => {
  const real = await original<typeof Files>();
  return {
    ...real,
    copyFile: async (...args: Parameters<typeof real.copyFile>) => {
      before.copy(++before.copied);
      await real.copyFile(...args);
    },
  };
});

it.each([1, 2])(
  'a copy is one moment, though others write and empty the log before file %i is copied',
  async (moment) => {
    const { db, other } = await openFile('create table t (n integer primary key, v)');
    const insert = (from: number): void =>
      other.exec(
        `insert into t select value, hex(randomblob(200)) from generate_series(${from}, ${from + 999})`,
      );
    insert(1);
    before.copied = 0;
    before.copy = (number) => {
      if (number !== moment) return;
      insert(1_001);
      other.rows('PRAGMA wal_checkpoint(TRUNCATE)');
      insert(2_001);
    };
    const to = temporaryFile();
    await db.copyTo(to);
    expect(before.copied).toBe(2);
    const copy = openDatabase({ url: to });
    const { rows } = await copy.execute('select count(*) as n, max(n) as last from t');
    expect(rows[0]?.['n']).toBe(rows[0]?.['last']);
    expect(await copy.pragma.integrityCheck()).toEqual([]);
  },
);
