import { Kysely } from 'kysely';
import { describe, expect, it } from 'vitest';
import type { Database } from '../../src/index.js';
import { nearest, TursoDialect } from '../../src/dialect/kysely/index.js';
import { openFile } from '../support/database.js';

const SETUP = `
  create table parent (id integer primary key, name text not null default 'x');
  create table child (id integer primary key, parent integer references parent (id), g as (parent + 1));
  create unique index names on parent (name);
  create table v (id integer primary key, e F32_BLOB(2));
  create index near on v (libsql_vector_idx(e));
  insert into v values (1, vector32('[1,0]')), (2, vector32('[0,1]'));
`;

type Schema = { v: { id: number; e: Uint8Array } };

/** What the package asks for itself, by what it is asked for. */
const questions: Record<string, (db: Database) => Promise<unknown>> = {
  'synchronous()': (db) => db.pragma.synchronous(),
  'tempStore()': (db) => db.pragma.tempStore(),
  'autoVacuum()': (db) => db.pragma.autoVacuum(),
  'secureDelete()': (db) => db.pragma.secureDelete(),
  'foreignKeys()': (db) => db.pragma.foreignKeys(),
  'pageSize()': (db) => db.pragma.pageSize(),
  'journalMode()': (db) => db.pragma.journalMode(),
  'setSynchronous()': async (db) => {
    await db.pragma.setSynchronous('full');
    return await db.pragma.synchronous();
  },
  'setTempStore()': (db) => db.pragma.setTempStore('memory'),
  'setSecureDelete()': (db) => db.pragma.setSecureDelete('fast'),
  'setUserVersion()': async (db) => {
    await db.pragma.setUserVersion(7);
    return await db.pragma.userVersion();
  },
  'walCheckpoint()': async (db) => (await db.pragma.walCheckpoint()).busy,
  'tableInfo()': (db) => db.pragma.tableInfo('parent'),
  'tableXinfo()': (db) => db.pragma.tableXinfo('child'),
  'tableList()': async (db) => (await db.pragma.tableList()).find(({ name }) => name === 'child'),
  'indexList()': (db) => db.pragma.indexList('parent'),
  'indexInfo()': (db) => db.pragma.indexInfo('names'),
  'foreignKeyList()': (db) => db.pragma.foreignKeyList('child'),
  'foreignKeyCheck()': async (db) => {
    await db.script(
      'pragma foreign_keys = off; insert into child (parent) values (9); pragma foreign_keys = on',
    );
    return await db.pragma.foreignKeyCheck();
  },
  'integrityCheck()': (db) => db.pragma.integrityCheck(),
  'explain()': (db) => db.explain('select * from parent where id = 1'),
  'metadata()': (db) => db.metadata(),
  'columns()': (db) => db.prepare('select id from parent').columns(),
  introspection: (db) =>
    new Kysely({ dialect: new TursoDialect({ database: db }) }).introspection.getTables(),
  'nearest()': async (db) => {
    const kysely = new Kysely<Schema>({ dialect: new TursoDialect({ database: db }) });
    const rows = await nearest(kysely, 'v', 'e', [1, 0], { k: 1, include: ['id'] });
    return rows.map(({ id }) => `${id}`);
  },
};

describe.each(['string', 'bigint'] as const)("intMode '%s' is a format of results", (intMode) => {
  it.each(Object.entries(questions))('and changes nothing in %s', async (_name, ask) => {
    const { db: plain } = await openFile(SETUP);
    const { db } = await openFile(SETUP, { intMode });
    expect(await ask(db)).toEqual(await ask(plain));
  });
});
