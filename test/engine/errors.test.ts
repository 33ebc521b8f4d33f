import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createClient } from '@libsql/client';
import { createClient as createCompatClient } from '@tursodatabase/serverless/compat';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fromClient } from '../../src/database/from-client.js';
import { ConstraintError, type Database, open } from '../../src/index.js';
import { MISTAKES, MISTAKES_SCHEMA, type Mistake } from '../support/mistakes.js';
import { collect, failure } from '../support/outcome.js';
import { startSqld } from '../support/sqld.js';

const GOOD = 'insert into log values (1)';
const GOOD_QUERY = 'select 1 as one';

/** A way to run a statement. */
const PATHS: Readonly<Record<string, (db: Database, mistake: Mistake) => PromiseLike<unknown>>> = {
  execute: (db, { sql, args = [] }) => db.execute(sql, args),
  timeout: (db, { sql, args = [] }) => db.execute(sql, args, { timeout: 20_000 }),
  all: (db, { sql, args = [] }) => db.prepare(sql).all(args),
  stream: (db, { sql, args = [] }) => collect(db.stream(sql, args)),
  script: (db, { sql }) => db.script(`${GOOD_QUERY}; ${sql}; ${GOOD}`),
  'atomic script': (db, { sql }) => db.script(`${GOOD}; ${sql}; ${GOOD}`, { atomic: true }),
  batch: (db, { sql, args = [] }) => db.batch([GOOD, { sql, args }, GOOD]),
  'batch of reads': (db, { sql, args = [] }) => db.batch([GOOD_QUERY, { sql, args }, GOOD_QUERY]),
  'batch with a mistake after it': (db, { sql, args = [] }) =>
    db.batch([GOOD, { sql, args }, 'selec 1', 'select * from nowhere_else']),
  'independent batch': async (db, { sql, args = [] }) => {
    const outcomes = await db.batch([GOOD_QUERY, { sql, args }], { atomic: false });
    const failed = outcomes.find(({ status }) => status === 'rejected');
    if (failed?.status === 'rejected') throw failed.reason;
  },
  transaction: (db, { sql, args = [] }) =>
    db.transaction(async (tx) => {
      await tx.execute(GOOD);
      await tx.execute(sql, args);
    }),
  'first of a transaction': (db, { sql, args = [] }) => db.transaction((tx) => tx.execute(sql, args)),
  'stream of a transaction': (db, { sql, args = [] }) =>
    db.transaction((tx) => collect(tx.stream(sql, args))),
};

/** Targets that share the code of another one, and the paths that are their own. */
const ONLY: Readonly<Record<string, readonly string[]>> = {
  replica: ['execute', 'batch', 'batch of reads', 'transaction'],
  client: ['execute', 'batch', 'transaction'],
  compat: ['execute', 'batch', 'transaction'],
};

const FIELDS = ['name', 'message', 'kind', 'code', 'extendedCode', 'rawCode', 'retryable', 'sql'] as const;
const MORE = ['statementIndex', 'constraint', 'table', 'columns', 'index'] as const;

/** Every field that a caller can branch on. */
function fieldsOf(error: unknown): Record<string, unknown> {
  const fields = error as Record<string, unknown>;
  return Object.fromEntries([...FIELDS, ...MORE].map((field) => [field, fields[field]]));
}

/** What a server leaves unknown: then the code is the primary one, and the message tells the kind. */
function seenFromServer(fields: Record<string, unknown>, { hidden }: Mistake): Record<string, unknown> {
  if (hidden === undefined) return fields;
  const constraint = String(fields['message']).includes('UNIQUE') ? 'unique' : 'foreignKey';
  return { ...fields, extendedCode: undefined, rawCode: 19, constraint, index: undefined };
}

async function outcomeOf(run: () => PromiseLike<unknown>): Promise<Record<string, unknown>> {
  try {
    await run();
  } catch (error) {
    return fieldsOf(error);
  }
  throw new Error('no failure');
}

describe('one mistake, one error', () => {
  let reference: Database;
  const databases = new Map<string, Database>();
  const ends: (() => unknown)[] = [];
  const url = { http: '' };

  beforeAll(async () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'turso-dialect-'));
    const atEnd = (stop: () => Promise<void>): void => void ends.push(stop);
    const [http, ws, primary] = await Promise.all([
      startSqld({}, atEnd),
      startSqld({}, atEnd),
      startSqld({}, atEnd),
    ]);
    url.http = http.url;
    reference = open({ url: ':memory:' });
    databases.set('file', open({ url: path.join(folder, 'file.db') }));
    databases.set('http', open({ url: http.url }));
    databases.set('ws', open({ url: ws.wsUrl }));
    databases.set('client', fromClient(createClient({ url: http.url })));
    databases.set('compat', fromClient(createCompatClient({ url: http.url })));
    databases.set('replica', open({ url: path.join(folder, 'replica.db'), syncUrl: primary.url }));
    for (const name of ['file', 'http', 'ws', 'replica']) await databases.get(name)?.script(MISTAKES_SCHEMA);
    await reference.script(MISTAKES_SCHEMA);
    ends.unshift(...[reference, ...databases.values()].map((database) => () => database.close()));
    ends.push(() => rmSync(folder, { recursive: true, force: true }));
  });
  afterAll(async () => {
    for (const end of ends) await end();
  });

  it.each(Object.entries(PATHS))('%s', { timeout: 120_000 }, async (name, run) => {
    const differences: string[] = [];
    for (const mistake of MISTAKES) {
      if (name.endsWith('script') && mistake.args !== undefined) continue;
      const expected = await outcomeOf(() => run(reference, mistake));
      const { index = expected['index'] } = mistake;
      if (index !== expected['index'])
        differences.push(`${mistake.name}: index is ${JSON.stringify(expected['index'])}`);
      for (const [target, database] of databases) {
        if (ONLY[target]?.includes(name) === false) continue;
        const actual = await outcomeOf(() => run(database, mistake));
        const wanted = target === 'file' ? expected : seenFromServer(expected, mistake);
        // The public methods of a client have no way to ask SQLite itself.
        const ofServer = String(actual['message']).startsWith('SQL string could not be parsed: ');
        if (target === 'compat' && ofServer) actual['message'] = wanted['message'];
        for (const field of [...FIELDS, ...MORE]) {
          const [is, was] = [JSON.stringify(actual[field]), JSON.stringify(wanted[field])];
          if (is !== was) differences.push(`${target}: ${mistake.name}: ${field} is ${is} instead of ${was}`);
        }
      }
    }
    expect(differences).toEqual([]);
  });

  it.each(['file', 'http', 'ws', 'replica', 'client', 'compat'])(
    'a write of a reader (%s)',
    async (target) => {
      const database = databases.get(target) as Database;
      const behavior = 'read';
      const ways: ((db: Database) => PromiseLike<unknown>)[] = [
        (db) => db.transaction((tx) => tx.execute(GOOD), { behavior }),
        (db) => db.transaction((tx) => tx.script(`${GOOD_QUERY}; ${GOOD}`), { behavior }),
        (db) => db.batch([GOOD_QUERY, GOOD], { behavior }),
      ];
      for (const way of ways) {
        const expected = await outcomeOf(() => way(reference));
        expect(expected['name']).toBe('ReadOnlyError');
        expect(await outcomeOf(() => way(database))).toEqual(expected);
      }
    },
  );

  it.each(['http', 'ws', 'replica'])('a batch that has changed the schema before (%s)', async (target) => {
    const database = databases.get(target) as Database;
    // The server has undone what could be asked, and before it the key of `single_pk` was another one.
    const change = ['drop table single_pk', 'create table single_pk (a unique check (a > 0))'];
    const unique = database.batch([...change, 'insert into single_pk values (5), (5)', GOOD]);
    const fields = { statementIndex: 2, constraint: 'unique', rawCode: 19, columns: ['a'] };
    const error = await failure(unique, ConstraintError);
    expect(error).toMatchObject({ ...fields, extendedCode: undefined, index: undefined });
    const check = database.batch([...change, 'insert into single_pk values (-1)']);
    expect(await failure(check)).toMatchObject({ constraint: 'check', rawCode: 275, index: 'a > 0' });
  });

  it.each(['memory', 'file', 'http', 'ws'])('CREATE VIRTUAL TABLE affects no row (%s)', async (target) => {
    const database = databases.get(target) ?? reference;
    const { rowsAffected } = await database.execute('create virtual table fresh using fts5(a)');
    expect(rowsAffected).toBe(0);
    await database.execute('drop table fresh');
  });

  it('a server that no longer answers after the failure ends nothing but the questions about it', async () => {
    let asked = 0;
    const fetch: typeof globalThis.fetch = (...args) =>
      ++asked === 1 ? globalThis.fetch(...args) : new Promise(() => {});
    const stalled = open({ url: url.http, fetch });
    const start = performance.now();
    const error = await failure(
      stalled.execute('insert into single_pk values (1)', [], { timeout: 200 }),
      ConstraintError,
    );
    expect(error).toMatchObject({ constraint: 'unique', rawCode: 19, extendedCode: undefined });
    expect(performance.now() - start).toBeLessThan(2_000);
    expect(asked).toBeGreaterThan(1);
    await stalled.close();
  });
});
