import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { onTestFinished, expect } from 'vitest';
import { getLoadablePath } from 'sqlite-vec';
import { EncryptionKeyError, open } from '../../../../src/index.js';
import { failureOf } from '../../capabilities.js';
import { databaseOf, feature, hasFile, isClient, isFile, isLocal, shareScene } from '../../feature.js';
import type { Cases } from '../../scene.js';

const KEY = 'a key of more than thirty-two characters';
const OTHER = "another key, with 'quotes', &?%# and so on";
/** Found in a file that is not encrypted, and in no other. */
const MARK = 'plain words in the file';

function folder(): string {
  const made = mkdtempSync(path.join(tmpdir(), 'turso-conformance-'));
  onTestFinished(() => rmSync(made, { recursive: true, force: true }));
  return made;
}

/** Whether the bytes of a file, its log or its journal hold the mark. */
function shows(file: string): boolean {
  return ['', '-wal', '-journal', '-shm'].some(
    (suffix) => existsSync(file + suffix) && readFileSync(file + suffix).includes(MARK),
  );
}

/** §1.12 encryption, §1.14 extensions. */
export const fileFeatures: Cases = (target, builder) => {
  const scene = shareScene(target, builder);

  feature(scene, target, 'EN-1 encryption: nothing of the content is in the file, its log or a copy', {
    on: hasFile,
    test: async () => {
      const { database, close } = await target.open({ encryptionKey: KEY });
      const db = builder.on(database);
      await database.script('create table t (a)');
      await db.run({ op: 'raw', sql: 'insert into t values (?)', args: [MARK] });
      const { file } = (await (await db.client()).pragma.databaseList())[0] as { file: string };
      expect(existsSync(`${file}-wal`)).toBe(true);
      expect(shows(file)).toBe(false);
      const to = folder();
      const client = await databaseOf(db);
      await client.copyTo(`${to}/same.db`);
      await client.copyTo(`${to}/other.db`, { encryptionKey: OTHER });
      await client.copyTo(`${to}/plain.db`, { encryptionKey: null });
      expect(['same', 'other', 'plain'].map((name) => shows(`${to}/${name}.db`))).toEqual([
        false,
        false,
        true,
      ]);
      for (const [name, key] of [
        ['same', KEY],
        ['other', OTHER],
        ['plain', undefined],
      ] as const) {
        const copy = open({ url: `${to}/${name}.db`, ...(key !== undefined && { encryptionKey: key }) });
        expect((await copy.execute('select a from t')).rows).toEqual([{ a: MARK }]);
        await copy.close();
        const wrong = open({ url: `${to}/${name}.db`, encryptionKey: 'x'.repeat(40) });
        expect(await failureOf(wrong.ready())).toBeInstanceOf(EncryptionKeyError);
        await wrong.close();
      }
      expect((await failureOf(client.copyTo(`${to}/same.db`))).kind).toBe('io');
      await close();
    },
    use: async () => {
      if (target.name.startsWith('client')) return (await databaseOf(scene().db)).copyTo('never.db');
      return (await target.open({ encryptionKey: KEY })).close();
    },
  });

  feature(
    scene,
    target,
    'EN-3 wrong or missing key: an EncryptionKeyError when it is opened, which shows no key (#80)',
    {
      on: isFile,
      test: async () => {
        const url = path.join(folder(), 'test.db');
        const first = open({ url, encryptionKey: KEY });
        await first.script('create table t (a)');
        await first.close();
        const before = readFileSync(url);
        for (const encryptionKey of [OTHER, undefined]) {
          const database = open({ url, ...(encryptionKey && { encryptionKey }) });
          const db = builder.on(database);
          const error = await failureOf(db.values('select 1'));
          expect(error).toBeInstanceOf(EncryptionKeyError);
          expect(error.message).toMatch(encryptionKey ? /another key/ : /needs config.encryptionKey/);
          expect(JSON.stringify(error) + error.stack).not.toContain(OTHER);
          await database.close();
        }
        expect(readFileSync(url).equals(before)).toBe(true);
        const plain = path.join(folder(), 'plain.db');
        const unencrypted = open(plain);
        await unencrypted.script('create table t (a)');
        await unencrypted.close();
        const keyed = open({ url: plain, encryptionKey: KEY });
        expect((await failureOf(keyed.ready())).message).toMatch(/not encrypted/);
        await keyed.close();
        for (const bad of ['short', '', 'x'.repeat(31), `${KEY}\0`]) {
          expect(() => open({ url, encryptionKey: bad })).toThrow(/encryptionKey/);
        }
      },
      use: async ({ db }) => (await databaseOf(db)).rekey(KEY),
    },
  );

  feature(scene, target, 'EN-5 rekey: another key, none, a first one; while others wait', {
    on: isFile,
    test: async () => {
      const { database, close, outside } = await target.open();
      const client = await databaseOf(builder.on(database));
      await client.script('create table t (a)');
      await client.execute('insert into t values (?)', [MARK]);
      // Somebody else has the file open.
      await outside.rows('select * from t');
      expect((await failureOf(client.rekey(KEY))).kind).toBe('busy');
      expect((await client.execute('select a from t')).rows).toEqual([{ a: MARK }]);
      await close();

      const url = path.join(folder(), 'test.db');
      let db = open(url);
      await db.script('create table t (a)');
      await db.execute('insert into t values (?)', [MARK]);
      // One transaction is open, and some statements come while it is being done.
      const busy = db.transaction(async (tx) => {
        await tx.execute("insert into t values ('more')");
        await new Promise((resolve) => setTimeout(resolve, 30));
      });
      const done = db.rekey(KEY);
      const meanwhile = [
        db.execute('select count(*) as n from t'),
        db.execute("insert into t values ('last')"),
      ];
      await Promise.all([busy, done, ...meanwhile]);
      expect(shows(url)).toBe(false);
      expect((await db.execute('select count(*) as n from t')).rows).toEqual([{ n: 3 }]);
      expect(await db.pragma.journalMode()).toBe('wal');
      await db.rekey(OTHER);
      await db.close();
      const old = open({ url, encryptionKey: KEY });
      expect(await failureOf(old.ready())).toBeInstanceOf(EncryptionKeyError);
      await old.close();
      db = open({ url, encryptionKey: OTHER });
      await db.rekey(null);
      expect((await db.execute('select count(*) as n from t')).rows).toEqual([{ n: 3 }]);
      await db.close();
      expect(shows(url)).toBe(true);
      expect((await failureOf(db.rekey(KEY))).code).toBe('DATABASE_CLOSED');
    },
    use: async ({ db }) => (await databaseOf(db)).rekey(KEY),
  });

  feature(scene, target, 'EN-2 a key of a database that the server keeps encrypted goes with every request', {
    on: ({ name }) => name === 'server http',
    // A WebSocket has its headers from the driver; a replica is a file and a server of its own.
    notOn: ({ name }) => name === 'server ws' || name === 'replica' || name.startsWith('client'),
    test: async () => {
      const sent: (string | null)[] = [];
      const { database, close } = await target.open({
        remoteEncryptionKey: 'c2VjcmV0',
        fetch: async (input, init) => {
          const request = new Request(input, init);
          sent.push(request.headers.get('x-turso-encryption-key'));
          return await fetch(request);
        },
      });
      const db = builder.on(database);
      await db.values('select 1');
      await db.transaction((tx) => tx.values('select 1'));
      for await (const row of database.stream('select 1 as one')) expect(row).toEqual({ one: 1 });
      expect(sent.length).toBeGreaterThan(2);
      expect(new Set(sent)).toEqual(new Set(['c2VjcmV0']));
      await close();
    },
    config: { remoteEncryptionKey: 'c2VjcmV0' },
  });

  feature(scene, target, 'EX-1 extensions are off: SQL can load none', {
    test: async ({ db }) => {
      expect((await failureOf(db.values("select load_extension('none')"))).code).toBe('FUNCTION_REFUSED');
    },
  });

  feature(scene, target, 'EX-2 extensions: sqlite-vec, on every connection', {
    on: isLocal,
    notOn: isClient,
    test: async () => {
      const { database, close } = await target.open({
        extensions: [{ path: getLoadablePath(), entryPoint: 'sqlite3_vec_init' }],
      });
      const db = builder.on(database);
      const version = 'select vec_version() as v';
      expect(await db.values(version)).toEqual([[expect.stringMatching(/^v\d/)]]);
      await db.transaction(async (tx) => expect(await tx.values(version)).toHaveLength(1));
      expect((await database.execute(version, [], { timeout: 9_000 })).rows).toHaveLength(1);
      await database.execute('create virtual table items using vec0(embedding float[2])');
      const insert = 'insert into items (rowid, embedding) values (?, ?)';
      for (const [id, vector] of [
        [1, '[0, 0]'],
        [2, '[5, 5]'],
        [3, '[1, 1]'],
      ] as const) {
        await db.run({ op: 'raw', sql: insert, args: [id, vector] });
      }
      const nearest = 'select rowid from items where embedding match ? order by distance limit 2';
      expect(await db.values(nearest, ['[0.9, 0.9]'])).toEqual([[3], [1]]);
      await close();
    },
    config: { extensions: [getLoadablePath()] },
  });

  feature(scene, target, 'EX-2 an extension that can not be loaded is named when the database is opened', {
    on: isLocal,
    notOn: isClient,
    test: async () => {
      const broken: [unknown, RegExp][] = [
        ['/no/such/file.so', /extensions\[0\]: the extension could not be loaded/],
        [import.meta.filename, /could not be loaded/],
        [{ path: getLoadablePath(), entryPoint: 'something_else' }, /can only start an extension by/],
      ];
      for (const [extension, message] of broken) {
        const database = open({ url: ':memory:', extensions: [extension as string] });
        expect((await failureOf(database.ready())).message).toMatch(message);
        await database.close();
      }
      for (const bad of ['', 'a\0b', 7, null, { path: '' }, { path: 'x', entryPoint: 'a b' }]) {
        expect(() => open({ url: ':memory:', extensions: [bad as string] })).toThrow(/extensions\[0\]/);
      }
    },
    config: { extensions: ['x'] },
  });
};
