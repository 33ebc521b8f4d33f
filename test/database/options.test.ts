import { Kysely, sql } from 'kysely';
import { sql as drizzleSql } from 'drizzle-orm';
import { integer, sqliteTable } from 'drizzle-orm/sqlite-core';
import { describe, expect, it } from 'vitest';
import { drizzle, insertMany, nearest, recall, vector } from '../../src/dialect/drizzle/index.js';
import * as kysely from '../../src/dialect/kysely/index.js';
import { ParameterError } from '../../src/index.js';
import { openFile, openMemory } from '../support/database.js';
import { collect, failure } from '../support/outcome.js';

const notes = sqliteTable('notes', { id: integer().primaryKey(), embedding: vector({ dimensions: 2 }) });
const wrong = { behaviour: 'read', nonsense: 1 } as object;

describe('an option that there is not', () => {
  it('is refused by every call, and nothing is done', async () => {
    const client = await openMemory('create table notes (id integer primary key, embedding f32_blob(2))');
    const db = drizzle({ client });
    const other = new Kysely<{ notes: { id: number } }>({ dialect: new kysely.TursoDialect(client) });
    const insert = 'insert into notes default values';
    const calls: Record<string, () => Promise<unknown>> = {
      execute: () => client.execute(insert, [], wrong),
      batch: () => client.batch([insert], wrong),
      stream: () => collect(client.stream('select 1', [], wrong)),
      script: () => client.script(insert, wrong),
      transaction: () => client.transaction((tx) => tx.execute(insert), wrong),
      ready: () => client.ready(wrong),
      'statement.run': () => client.prepare(insert).run([], wrong),
      'statement.all': () => client.prepare(insert).all([], wrong),
      'statement.iterate': () => collect(client.prepare('select 1').iterate([], wrong)),
      'statement.columns': () => client.prepare(insert).columns(wrong),
      'tx.execute': () => client.transaction((tx) => tx.execute(insert, [], wrong)),
      'tx.batch': () => client.transaction((tx) => tx.batch([insert], wrong)),
      'drizzle transaction': () => db.transaction((tx) => tx.run(drizzleSql.raw(insert)), wrong),
      'drizzle nested': () => db.transaction((tx) => tx.transaction(async () => {}, wrong)),
      'drizzle batch': () => db.batch([db.insert(notes).values({ id: 1 })], wrong),
      'drizzle rowMode of a batch': () =>
        db.batch([db.insert(notes).values({ id: 1 })], { rowMode: 'array' } as object),
      'drizzle stream': () => collect(db.stream(db.select().from(notes), wrong)),
      'drizzle insertMany': () => insertMany(db, notes, [{ id: 1 }], wrong),
      'drizzle nearest': () => nearest(db, notes.embedding, [1, 2], wrong),
      'drizzle recall': () => recall(db, notes.embedding, { queries: [[1, 2]], ...wrong }),
      'kysely batch': () => kysely.batch(other, [other.insertInto('notes').values({ id: 1 })], wrong),
      'kysely transaction': () => kysely.transaction(other, (trx) => sql.raw(insert).execute(trx), wrong),
      'kysely insertMany': () => kysely.insertMany(other, 'notes', [{ id: 1 }], wrong),
    };
    for (const [name, call] of Object.entries(calls)) {
      const error = await failure(call(), ParameterError).catch((reason: unknown) => {
        throw new Error(`${name}: ${String(reason)}`);
      });
      expect(error.message, name).toMatch(/behaviour|nonsense|rowMode/);
    }
    expect(() => new kysely.TursoTypesPlugin(wrong)).toThrow(ParameterError);
    expect((await client.execute('select count(*) as n from notes')).rows).toEqual([{ n: 0 }]);
  });

  it('is refused by what concerns files', async () => {
    const { db } = await openFile();
    await failure(
      db.watch(() => {}, wrong),
      ParameterError,
    );
    await failure(db.copyTo('never.db', wrong), ParameterError);
  });

  it('is named with the one that was meant', async () => {
    const db = await openMemory();
    const error = await failure(db.execute('select 1', [], { rowmode: 'array' } as object), ParameterError);
    expect(error.message).toBe('execute() has no option "rowmode"; did you mean "rowMode"?');
    await failure(db.stream('select 1', [], 'array' as never).next(), ParameterError);
  });

  it('is nothing without a value', async () => {
    const db = await openMemory();
    const options = { nonsense: undefined } as object;
    expect((await db.execute('select 1 as n', [], options)).rows).toEqual([{ n: 1 }]);
  });
});

describe('a value that an option has not', () => {
  it('is refused', async () => {
    const db = await openMemory();
    for (const options of [
      { rowMode: 'arrays' },
      { atomic: 'no' },
      { atomic: null },
      { continueOnError: 0 },
    ]) {
      await failure(db.batch(['select 1'], options as object), ParameterError);
    }
    await failure(db.execute('select 1', [], { rowMode: 'rows' } as object), ParameterError);
    await failure(db.stream('select 1', [], { rowMode: 1 } as object).next(), ParameterError);
    await failure(db.script('select 1', { atomic: 'yes' } as object), ParameterError);
    expect(() => new kysely.TursoTypesPlugin({ dates: 'iso' as never })).toThrow(ParameterError);
  });
});

describe('rows of a batch', () => {
  it('are arrays on request, inside a transaction and outside', async () => {
    const db = await openMemory();
    const texts = ['select 1 as a, 2 as a', 'select 3 as a'];
    const expected = [[[1, 2]], [[3]]];
    const rowsOf = (results: readonly { rows: unknown[] }[]) => results.map(({ rows }) => rows);
    expect(rowsOf(await db.batch(texts, { rowMode: 'array' }))).toEqual(expected);
    const inside = await db.transaction((tx) => tx.batch(texts, { rowMode: 'array' }));
    expect(rowsOf(inside)).toEqual(expected);
    const [one] = await db.batch(texts, { rowMode: 'array', atomic: false });
    expect(one).toMatchObject({ status: 'fulfilled', value: { rows: [[1, 2]] } });
    expect(rowsOf(await db.batch(['select 1 as a'], { rowMode: 'object' }))).toEqual([[{ a: 1 }]]);
  });
});
