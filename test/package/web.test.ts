import { createContext, runInContext } from 'node:vm';
import { build } from 'esbuild';
import { describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { startSqld } from '../support/sqld.js';
import { root } from './support.js';

/** What a web entry must do: the last value is what is printed. */
const PROGRAM = `
  import { sqliteTable, integer, text } from 'drizzle-orm/sqlite-core';
  import { relations } from 'drizzle-orm';
  import { Kysely } from 'kysely';
  import { open } from 'turso-dialect/web';
  import { createClient } from 'turso-dialect/client/web';
  import { drizzle, insertMany, migrate, nearest, vector } from 'turso-dialect/drizzle/web';
  import { TursoDialect } from 'turso-dialect/kysely/web';

  const notes = sqliteTable('notes', {
    id: integer().primaryKey(),
    text: text().unique(),
    at: integer({ mode: 'timestamp_ms' }),
    embedding: vector({ dimensions: 2 }),
  });
  const tags = sqliteTable('tags', { id: integer().primaryKey(), note: integer() });
  const schema = {
    notes,
    tags,
    notesRelations: relations(notes, ({ many }) => ({ tags: many(tags) })),
    tagsRelations: relations(tags, ({ one }) => ({ of: one(notes, { fields: [tags.note], references: [notes.id] }) })),
  };

  const failure = async (run) => {
    try {
      await run();
      return undefined;
    } catch (error) {
      const { name, code, capability, index } = error.cause?.kind === undefined ? error : error.cause;
      return [name, code, capability ?? index].join(' ');
    }
  };

  globalThis.main = async (url) => {
    const db = drizzle({ connection: url, schema });
    const out = {};
    const sql = 'create table notes (id integer primary key, text text, at integer, embedding f32_blob(2));' +
      'create unique index by_text on notes (text); create table tags (id integer primary key, note integer)';
    out.migrated = (await migrate(db, { migrations: [{ tag: 'first', when: 1, sql }] })).applied;
    await db.insert(notes).values({ id: 1, text: 'one', at: new Date(5), embedding: [1, 2] });
    out.transaction = await db.transaction(async (tx) => {
      await tx.insert(notes).values({ id: 2, text: 'two' });
      return (await tx.select().from(notes)).length;
    });
    const batch = await db.batch([db.insert(tags).values({ note: 1 }), db.select().from(tags)]);
    out.batch = batch[1];
    out.many = await insertMany(db, notes, [{ id: 3, text: 'three' }, { id: 4, text: 'four' }]);
    out.relational = await db.query.notes.findFirst({ where: (n, { eq }) => eq(n.id, 1), with: { tags: true } });
    out.stream = [];
    for await (const { id } of db.stream(db.select().from(notes).orderBy(notes.id))) out.stream.push(id);
    out.nearest = (await nearest(db, notes.embedding, [1, 2], { k: 1 })).map(({ id, distance }) => [id, distance]);
    out.unique = await failure(() => db.insert(notes).values({ text: 'one' }));
    const own = db.$client;
    out.version = [await own.pragma.userVersion(), (await own.pragma.tableList()).length > 1];
    out.explain = (await own.explain('select * from notes')).nodes.length;
    out.script = await failure(() => own.script("insert into tags values (7, 1); insert into tags values (8, 1)"));
    out.inScript = await own.transaction((tx) => tx.script('delete from tags where id = 8').then(() => true));
    const view = own.restricted([{ effect: 'allow', actions: ['read'], tables: ['tags'] }]);
    out.view = (await view.execute('select id from tags order by id')).rows;
    out.refused = await failure(() => view.execute('select * from notes'));
    const ky = new Kysely({ dialect: new TursoDialect({ url }) });
    out.kysely = await ky.selectFrom('tags').select('id').orderBy('id').execute();
    await ky.destroy();
    const client = createClient({ url });
    out.client = (await client.execute('select count(*) as n from notes')).rows[0].n;
    client.close();
    out.mock = drizzle.mock().select().from(tags).toSQL().sql;
    out.timeout = await failure(() => own.execute('with recursive t(i) as (select 1 union all select i + 1 from t) select count(*) from t', [], { timeout: 100 }));
    out.files = await Promise.all(
      ['file:a.db', ':memory:', 'a.db'].map((file) => failure(() => open(file))),
    );
    out.replica = await failure(() => open({ url: 'file:a.db', syncUrl: url }));
    out.copy = await failure(() => own.copyTo('a.db'));
    out.sync = await failure(() => own.sync());
    out.watch = await failure(() => own.watch(() => {}));
    await own.close();
    out.closed = await failure(() => own.execute('select 1'));
    return JSON.stringify(out);
  };
`;

const EXPECTED = {
  migrated: ['first'],
  transaction: 2,
  batch: [{ id: 1, note: 1 }],
  many: 2,
  relational: {
    ...{ id: 1, text: 'one', at: '1970-01-01T00:00:00.005Z', embedding: { '0': 1, '1': 2 } },
    tags: [{ id: 1, note: 1 }],
  },
  stream: [1, 2, 3, 4],
  nearest: [[1, 0]],
  unique: 'ConstraintError SQLITE_CONSTRAINT by_text',
  version: [0, true],
  explain: 1,
  inScript: true,
  view: [{ id: 1 }, { id: 7 }],
  refused: 'AccessError SQLITE_AUTH ',
  kysely: [{ id: 1 }, { id: 7 }],
  client: 4,
  mock: 'select "id", "note" from "tags"',
  timeout: 'InterruptedError TIMEOUT ',
  files: Array(3).fill('CapabilityError NOT_SUPPORTED file'),
  replica: 'CapabilityError NOT_SUPPORTED file',
  copy: 'CapabilityError NOT_SUPPORTED copy',
  sync: 'CapabilityError NOT_SUPPORTED sync',
  watch: 'CapabilityError NOT_SUPPORTED watch',
  closed: 'DatabaseError DATABASE_CLOSED ',
};

describe('the entries for the web', () => {
  it.each(['http', 'ws'])('work without anything of Node.js (%s)', async (protocol) => {
    const { code } = await bundle(PROGRAM);
    const { url, wsUrl } = await startSqld();
    expect(JSON.parse(await runAlone(code, protocol === 'ws' ? wsUrl : url))).toEqual(EXPECTED);
  });

  it.each(['workerd', 'edge-light', 'browser'])(
    'are what a bundler for %s takes, without native code and modules of Node.js',
    async (condition) => {
      const entries = ['', '/drizzle', '/kysely', '/client'];
      const { files, imports } = await bundle(
        entries.map((entry, i) => `export * as e${i} from 'turso-dialect${entry}';`).join('\n'),
        condition,
      );
      expect(imports).toEqual([]);
      expect(
        files.filter((file) =>
          /engine\/(libsql|replica)\/|local\.js$|node_modules\/(ws|libsql)\//.test(file),
        ),
      ).toEqual([]);
      expect(files).toContain('dist/dialect/drizzle/web.js');
    },
  );

  it('know files once the entry for Node.js is in the same program', async () => {
    const { open } = await import('../../src/index.js');
    const web = await import('../../src/web.js');
    expect(web.open).toBe(open);
    await using db = web.open(':memory:');
    expect((await db.execute('select 1 as one')).rows).toEqual([{ one: 1 }]);
  });
});

/** Bundles a program as a Worker's or a browser's bundler does. */
async function bundle(
  contents: string,
  condition?: string,
): Promise<{ readonly code: string; readonly files: string[]; readonly imports: string[] }> {
  const { outputFiles, metafile } = await build({
    stdin: { contents, resolveDir: root },
    // By the exports of package.json, not by the paths of tsconfig.json.
    tsconfigRaw: {},
    ...{ bundle: true, write: false, metafile: true, minify: true, outdir: 'out', logLevel: 'silent' },
    ...{ platform: 'browser', format: 'iife', target: 'es2022', supported: { 'top-level-await': false } },
    ...(condition !== undefined && { conditions: [condition] }),
  });
  const imports = Object.values(metafile.outputs).flatMap((output) => output.imports.map(({ path }) => path));
  return { code: outputFiles[0]?.text ?? '', files: Object.keys(metafile.inputs), imports };
}

/** What every runtime for the web has. */
const FOR_THE_WEB: readonly string[] = [
  ...['fetch', 'URL', 'URLSearchParams', 'TextEncoder', 'TextDecoder', 'AbortController', 'AbortSignal'],
  ...[
    'setTimeout',
    'clearTimeout',
    'setInterval',
    'clearInterval',
    'performance',
    'queueMicrotask',
    'crypto',
  ],
  ...['console', 'atob', 'btoa', 'Response', 'Request', 'Headers', 'ReadableStream', 'DOMException'],
  'DecompressionStream',
];

/** Runs `main()` of a program where there is only what every runtime for the web has. */
async function runAlone(code: string, url: string): Promise<string> {
  const names = FOR_THE_WEB as readonly (keyof typeof globalThis)[];
  const context = createContext({
    ...Object.fromEntries(names.map((name) => [name, globalThis[name]])),
    WebSocket,
  });
  runInContext(code, context);
  const { main } = context as { main(url: string): Promise<string> };
  return await main(url);
}
