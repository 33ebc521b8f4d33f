import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { createRequire, isBuiltin } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { build } from 'esbuild';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  assertBuilt,
  installPacked,
  type Outcome,
  root,
  runNode,
  temporaryProject,
  writeFiles,
} from './support.js';

// What a project gets that installs the packed package from npm: the tarball, its dependencies, its types.

const DRIVERS = ['libsql', 'ws'];
const OLDEST_TYPESCRIPT = '5.4.5';

const USE_ALL = `
  const database = open('file:root.db');
  const { rows } = await database.execute('SELECT 40 + ? AS answer', [2]);
  await database.close();

  const users = sqliteTable('users', { id: integer('id').primaryKey(), name: text('name').notNull() });
  const db = drizzle('file:drizzle.db');
  await db.run(sql\`CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT NOT NULL)\`);
  await db.insert(users).values({ name: 'Ada' });
  const found = await db.select().from(users);
  await db.$client.close();

  const kysely = new Kysely({ dialect: new TursoDialect('file:drizzle.db') });
  const same = await kysely.selectFrom('users').selectAll().execute();
  await kysely.destroy();
  console.log('RESULT ' + JSON.stringify({ answer: Number(rows[0].answer), found, same }));
`;

const IMPORTS = `
  import { open } from 'turso-dialect';
  import { drizzle } from 'turso-dialect/drizzle';
  import { sql } from 'drizzle-orm';
  import { integer, sqliteTable, text } from 'drizzle-orm/sqlite-core';
  import { TursoDialect } from 'turso-dialect/kysely';
  import { Kysely } from 'kysely';
`;

const REQUIRES = `
  const { open } = require('turso-dialect');
  const { drizzle } = require('turso-dialect/drizzle');
  const { sql } = require('drizzle-orm');
  const { integer, sqliteTable, text } = require('drizzle-orm/sqlite-core');
  const { TursoDialect } = require('turso-dialect/kysely');
  const { Kysely } = require('kysely');
`;

// Reports the native libraries that the process has at each step, by what was asked for and what is mapped.
const WATCH_NATIVE = `
  const opened = [];
  const { dlopen } = process;
  process.dlopen = (module, file, ...rest) => {
    opened.push(file);
    return dlopen.call(process, module, file, ...rest);
  };
  const mapped = () => process.report.getReport().sharedObjects.filter((file) => file.endsWith('.node'));
  const native = () => [...opened, ...mapped()];

  const steps = {};
  const { open } = await import('turso-dialect');
  steps.root = native();
  await import('turso-dialect/drizzle');
  steps.drizzle = native();
  await import('turso-dialect/kysely');
  steps.kysely = native();
  const database = open('file:native.db');
  steps.opened = native();
  await database.execute('CREATE TABLE t (a)');
  steps.used = native();
  await database.close();
  console.log('RESULT ' + JSON.stringify(steps));
`;

const TYPED_ROOT = `
  import { type Database, open } from 'turso-dialect';

  const database: Database = open('file:typed.db');
  const rows: readonly unknown[] = (await database.execute('SELECT 1')).rows;
  console.log(rows.length);

  // @ts-expect-error a number is not a URL
  open(1);

  // @ts-expect-error what is internal is not declared
  console.log(database.runStatement);
`;

const TYPED_ALL = `
  ${TYPED_ROOT}
  import { integer, sqliteTable, text } from 'drizzle-orm/sqlite-core';
  import { drizzle } from 'turso-dialect/drizzle';

  const users = sqliteTable('users', { id: integer('id').primaryKey(), name: text('name').notNull() });
  const db = drizzle('file:typed.db');
  const found: { id: number; name: string }[] = await db.select().from(users);
  const client: Database = db.$client;
  console.log(found.length, client);

  // @ts-expect-error the column is not a number
  await db.insert(users).values({ name: 1 });

  import { Kysely } from 'kysely';
  import { batch, inBehavior, TursoDialect } from 'turso-dialect/kysely';

  const kysely = new Kysely<{ users: { id: number; name: string } }>({ dialect: new TursoDialect({ database }) });
  import { createClient, LibsqlError } from 'turso-dialect/client';
  import { migrate } from 'turso-dialect/drizzle/migrator';

  const own = createClient({ url: 'file:typed.db' });
  const [row] = (await own.execute({ sql: 'select ? as value', args: [1] })).rows;
  await migrate(drizzle({ client: own }), { migrations: [] });
  console.log(row?.value, row?.[0], LibsqlError.name, drizzle(own).$client.protocol);

  // @ts-expect-error no such mode
  void own.transaction('sometimes');

  const [names] = await batch(inBehavior(kysely, 'read'), [kysely.selectFrom('users').select('name')]);
  console.log(names[0]?.name.length);

  // @ts-expect-error no such behavior
  inBehavior(kysely, 'now');

  import { pragma } from 'turso-dialect/pragma';
  import { encodeVector } from 'turso-dialect/vector';

  const mode: 'delete' | 'truncate' | 'persist' | 'memory' | 'wal' | 'off' = await pragma(db).journalMode();
  await pragma(kysely).setUserVersion(3);
  console.log(mode, encodeVector({ type: 'float32', dimensions: 2 }, [1, 2]).length);

  // @ts-expect-error a boolean
  await pragma(database).setForeignKeys(1);
`;

const FILES = {
  'package.json': JSON.stringify({ name: 'consumer', private: true, type: 'module' }),
  'esm.mjs': IMPORTS + USE_ALL,
  'cjs.cjs': `${REQUIRES}\n(async () => {${USE_ALL}})();`,
  'native.mjs': WATCH_NATIVE,
  'root.ts': TYPED_ROOT,
  'all.ts': TYPED_ALL,
};

const RESULT = { answer: 42, found: [{ id: 1, name: 'Ada' }], same: [{ id: 1, name: 'Ada' }] };

const COMPILATIONS: [compiler: string, resolution: string][] = [
  [OLDEST_TYPESCRIPT, 'nodenext'],
  [OLDEST_TYPESCRIPT, 'bundler'],
  ['current', 'nodenext'],
  ['current', 'bundler'],
];

interface Compilation {
  readonly compiler: string;
  readonly resolution: string;
  readonly skipLibCheck: boolean;
}

interface Manifest {
  readonly devDependencies: Readonly<Record<string, string>>;
}

let consumer: string;

beforeAll(async () => {
  assertBuilt();
  consumer = await mkdtemp(path.join(tmpdir(), 'turso-dialect-consumer-'));
  writeFiles(consumer, FILES);
  await install(consumer);
}, 300_000);

afterAll(async () => {
  if (consumer) await rm(consumer, { recursive: true, force: true });
});

describe('the packed package', { timeout: 120_000 }, () => {
  it('is imported by an ES module', async () => {
    expect(await resultOf('esm.mjs')).toEqual(RESULT);
  });

  it('is loaded by require()', async () => {
    expect(await resultOf('cjs.cjs')).toEqual(RESULT);
  });

  it('is bundled by esbuild, with the drivers left out', async () => {
    const { metafile } = await build({
      entryPoints: [path.join(consumer, 'esm.mjs')],
      outfile: path.join(consumer, 'bundle.mjs'),
      bundle: true,
      platform: 'node',
      format: 'esm',
      target: 'node20',
      external: DRIVERS,
      metafile: true,
      logLevel: 'silent',
    });
    const imports = Object.values(metafile.outputs).flatMap((output) => output.imports);
    const left = imports.filter((imported) => !isBuiltin(imported.path)).map(packageName);
    expect(left.filter((name) => !DRIVERS.includes(name))).toEqual([]);
    expect(await resultOf('bundle.mjs')).toEqual(RESULT);
  });

  it('loads no native code before a database is used', async () => {
    const steps = await resultOf('native.mjs');
    expect(steps).toMatchObject({ root: [], drizzle: [], kysely: [], opened: [] });
    expect(steps).toHaveProperty('used', expect.arrayContaining([expect.stringMatching(/libsql.*\.node$/)]));
  });

  it('has a root entry that reaches no query builder', async () => {
    const reached = await packagesReachedBy('turso-dialect');
    expect(reached.filter((name) => !DRIVERS.includes(name))).toEqual([]);
  });

  it('has a Drizzle entry that reaches no other query builder', async () => {
    const reached = await packagesReachedBy('turso-dialect/drizzle');
    expect(reached.filter((name) => !DRIVERS.includes(name))).toEqual(['drizzle-orm']);
  });

  it('has a client entry that reaches no other package', async () => {
    const reached = await packagesReachedBy('turso-dialect/client');
    expect(reached.filter((name) => !DRIVERS.includes(name))).toEqual([]);
  });

  it('has a Kysely entry that reaches no other query builder', async () => {
    const reached = await packagesReachedBy('turso-dialect/kysely');
    expect(reached.filter((name) => !DRIVERS.includes(name))).toEqual(['kysely']);
  });

  it.each(COMPILATIONS)('type-checks in TypeScript %s with resolution %s', async (compiler, resolution) => {
    const outcome = await compile('all.ts', { compiler, resolution, skipLibCheck: true });
    expect(outcome).toMatchObject({ code: 0, output: '' });
  });

  it('has root declarations that stand without skipLibCheck', async () => {
    const outcome = await compile('root.ts', {
      compiler: 'current',
      resolution: 'nodenext',
      skipLibCheck: false,
    });
    expect(outcome).toMatchObject({ code: 0, output: '' });
  });

  it('contains the built files and the documents, and nothing else', async () => {
    const files = await readdir(path.join(consumer, 'node_modules/turso-dialect'), { recursive: true });
    const others = files.filter((file) => !/^dist(\/|$)/.test(file.replaceAll('\\', '/')));
    expect(others.toSorted()).toEqual(['CHANGELOG.md', 'LICENSE', 'README.md', 'package.json']);
    const built = files.filter((file) => file.startsWith('dist') && path.extname(file) !== '');
    expect(built.filter((file) => !/\.(js|d\.ts)$/.test(file))).toEqual([]);
  });
});

async function install(folder: string): Promise<void> {
  const { devDependencies } = JSON.parse(await readFile(path.join(root, 'package.json'), 'utf8')) as Manifest;
  const wanted = ['drizzle-orm', 'kysely', '@types/node'].map((name) => `${name}@${devDependencies[name]}`);
  await installPacked(folder, [`typescript@${OLDEST_TYPESCRIPT}`, ...wanted]);
}

// Runs a file of the consumer in an empty folder, and reads what it reports.
async function resultOf(file: string): Promise<unknown> {
  const { stdout, output } = await runNode([path.join(consumer, file)], temporaryProject({}));
  const result = /^RESULT (.*)$/m.exec(stdout)?.[1];
  if (result === undefined) throw new Error(`${file} reported nothing:\n${output}`);
  return JSON.parse(result);
}

// The packages that an entry imports, at once or lazily, from any of its files.
async function packagesReachedBy(entry: string): Promise<string[]> {
  const { metafile } = await build({
    entryPoints: [createRequire(path.join(consumer, 'package.json')).resolve(entry)],
    bundle: true,
    packages: 'external',
    platform: 'node',
    format: 'esm',
    treeShaking: false,
    metafile: true,
    write: false,
  });
  const imports = Object.values(metafile.inputs).flatMap((input) => input.imports);
  const names = imports.filter(({ path: name, external }) => external && !isBuiltin(name)).map(packageName);
  return [...new Set(names)].toSorted();
}

function packageName({ path: specifier }: { path: string }): string {
  return specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/');
}

function compile(file: string, { compiler, resolution, skipLibCheck }: Compilation): Promise<Outcome> {
  const tsc = path.join(compiler === 'current' ? root : consumer, 'node_modules/typescript/bin/tsc');
  const settings = {
    module: resolution === 'bundler' ? 'esnext' : resolution,
    moduleResolution: resolution,
    target: 'es2022',
    types: 'node',
    strict: 'true',
    noEmit: 'true',
    skipLibCheck: String(skipLibCheck),
  };
  const options = Object.entries(settings).flatMap(([name, value]) => [`--${name}`, value]);
  return runNode([tsc, ...options, file], consumer);
}
