import { statSync } from 'node:fs';
import { expect, it } from 'vitest';
import { openFile } from '../../support/database.js';

const LIMIT = 16_777_216;

it('a log that a reader elsewhere has made grow is cut when the reader is gone', async () => {
  const { db, file, other } = await openFile('create table t (id integer primary key, a)');
  const write = (count: number): Promise<unknown> =>
    db.script('insert or replace into t values (1, randomblob(1000000));'.repeat(count));
  await write(1);
  other.exec('begin');
  expect(other.value('select count(*) from t')).toBe(1);
  await write(25);
  expect(statSync(`${file}-wal`).size).toBeGreaterThan(LIMIT);
  other.exec('commit');
  await write(3);
  expect(statSync(`${file}-wal`).size).toBeLessThanOrEqual(LIMIT);
});
