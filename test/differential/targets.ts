import { mkdtempSync, rmSync } from 'node:fs';
import path from 'node:path';
import { createClient } from '@libsql/client';
import { type Config, type Database, open } from '../../src/index.js';
import { CoreSession } from './core-session.js';
import { DrizzleSession } from './drizzle-session.js';
import { KyselySession } from './kysely-session.js';
import type { IntMode, Session, Target } from './outcome.js';
import type { Random } from './random.js';
import type { Statement } from './statement.js';

/** Servers that are running, each with one database. */
export interface Servers {
  readonly http: string;
  /** As `http:`. */
  readonly ws: string;
  /** That of the replicas. */
  readonly primary: string;
}

/** Where databases are. */
export interface Places {
  readonly folder: string;
  readonly servers: Servers | undefined;
}

type Place = Target['place'];

/** A kind of target, and in how many of 12 cases it takes part. */
interface Kind {
  readonly name: string;
  readonly place: Place;
  readonly builder: Target['builder'];
  readonly share: number;
  readonly config?: Partial<Config>;
  /** What the cases see instead of the database that was opened. */
  readonly view?: (db: Database) => Database;
  readonly cached?: boolean;
}

/** Rules that allow everything, in all the words that this takes. */
const EVERYTHING = [
  { effect: 'allow' },
  { effect: 'allow', tables: ['*'] },
  { effect: 'allow', tables: ['sqlite_*', 'pragma_*', 'json_*'] },
  { effect: 'allow', actions: ['function'], tables: ['*'] },
] as const;

const restricted = (db: Database): Database => db.restricted(EVERYTHING);

/** Nothing is remembered between two statements. */
const FORGETFUL = { statementCacheSize: 0 };

/** SQLite's caches are those of a connection; these do without the package's. */
const KINDS: readonly Kind[] = [
  { name: 'memory', place: 'memory', builder: 'core', share: 10 },
  { name: 'memory without a cache', place: 'memory', builder: 'core', share: 2, config: FORGETFUL },
  { name: 'memory, restricted', place: 'memory', builder: 'core', share: 1, view: restricted },
  { name: 'memory, observed', place: 'memory', builder: 'core', share: 1, view: observed },
  { name: 'file', place: 'file', builder: 'core', share: 9 },
  { name: 'file without a cache', place: 'file', builder: 'core', share: 2, config: FORGETFUL },
  { name: 'file, restricted', place: 'file', builder: 'core', share: 2, view: restricted },
  { name: 'file, observed', place: 'file', builder: 'core', share: 1, view: observed },
  {
    name: 'file, always with a timeout',
    place: 'file',
    builder: 'core',
    share: 2,
    config: { timeout: 60_000 },
  },
  { name: 'http', place: 'http', builder: 'core', share: 2 },
  { name: 'http, restricted', place: 'http', builder: 'core', share: 0.3, view: restricted },
  { name: 'ws', place: 'ws', builder: 'core', share: 2 },
  { name: 'replica', place: 'replica', builder: 'core', share: 0.5 },
  { name: 'drizzle, memory', place: 'memory', builder: 'drizzle', share: 2, cached: true },
  { name: 'drizzle, file', place: 'file', builder: 'drizzle', share: 3 },
  { name: 'drizzle, http', place: 'http', builder: 'drizzle', share: 0.5 },
  { name: 'kysely, memory', place: 'memory', builder: 'kysely', share: 2 },
  { name: 'kysely, file', place: 'file', builder: 'kysely', share: 3 },
  { name: 'kysely, ws', place: 'ws', builder: 'kysely', share: 0.5 },
];

function observed(db: Database): Database {
  db.onChange('all', () => {});
  return db;
}

/** The targets of one case. */
export function targetsFor(random: Random, places: Places, only?: Target['builder']): Target[] {
  return KINDS.filter(({ place, share, builder }) => {
    const chosen = random.chance(share / 12);
    const local = place === 'memory' || place === 'file';
    if (only !== undefined) return builder === only && (local || (chosen && places.servers !== undefined));
    return chosen && (local || places.servers !== undefined);
  }).map((kind) => targetOf(kind, random.pick(['bigint', 'bigint', 'number', 'string'] as const), places));
}

function targetOf(kind: Kind, intMode: IntMode, places: Places): Target {
  const { name, place, builder } = kind;
  return {
    ...{ name: `${name} (${intMode})`, place, builder, intMode },
    open: () => openSession(kind, { ...kind.config, intMode }, places),
  };
}

async function openSession(kind: Kind, config: Partial<Config>, places: Places): Promise<Session> {
  const opened = await OPEN[kind.place](config, places);
  const db = kind.view?.(opened.db) ?? opened.db;
  const core = new CoreSession(db, opened.elsewhere);
  const session =
    kind.builder === 'core'
      ? core
      : kind.builder === 'drizzle'
        ? new DrizzleSession(core, kind.cached === true)
        : new KyselySession(core);
  return {
    run: (step, random) => session.run(step, random),
    look: (sql) => session.look(sql),
    close: async () => {
      await session.close();
      await opened.db.close();
      await opened.close();
    },
  };
}

interface Opened {
  readonly db: Database;
  /** Runs a statement on another connection, and lets this one see what it did. */
  elsewhere(statement: Statement): Promise<unknown>;
  /** Ends what else was opened. */
  close(): Promise<void>;
}

type Open = (config: Partial<Config>, places: Places) => Promise<Opened>;

const OPEN: Readonly<Record<Place, Open>> = {
  memory: async (config) => {
    const db = open({ url: ':memory:', ...config });
    return {
      db,
      // Nobody else can open it: the same connection, but not as a statement of its own.
      elsewhere: ({ sql }) => db.transaction((tx) => tx.script(sql)),
      close: async () => {},
    };
  },
  file: async (config, { folder }) => {
    const own = mkdtempSync(path.join(folder, 'file-'));
    const url = path.join(own, 'test.db');
    const db = open({ url, ...config });
    let other: Database | undefined;
    return {
      db,
      elsewhere: async ({ sql }) => {
        // Reading keeps the connection of this handle where it is.
        other ??= open({ url });
        return await other.execute(sql);
      },
      close: async () => {
        await other?.close();
        rmSync(own, { recursive: true, force: true });
      },
    };
  },
  http: (config, { servers }) => openServer(servers?.http ?? '', servers?.http ?? '', config),
  ws: (config, { servers }) =>
    openServer(servers?.ws ?? '', (servers?.ws ?? '').replace(/^http/, 'ws'), config),
  replica: async (config, { folder, servers }) => {
    const syncUrl = servers?.primary ?? '';
    await wipe(syncUrl);
    const own = mkdtempSync(path.join(folder, 'replica-'));
    const { statementCacheSize: _unused, ...rest } = config;
    const db = open({ url: path.join(own, 'replica.db'), syncUrl, ...rest });
    const other = open({ url: syncUrl });
    return {
      db,
      elsewhere: async ({ sql }) => {
        await other.execute(sql);
        await db.sync();
      },
      close: async () => {
        await other.close();
        rmSync(own, { recursive: true, force: true });
      },
    };
  },
};

async function openServer(http: string, url: string, config: Partial<Config>): Promise<Opened> {
  await wipe(http);
  const db = open({ url, ...config });
  const other = open({ url: http });
  return { db, elsewhere: ({ sql }) => other.execute(sql), close: () => other.close() };
}

/** Makes the database of a server empty. */
async function wipe(url: string): Promise<void> {
  const client = createClient({ url });
  try {
    const { rows } = await client.execute(
      "select type, name from sqlite_schema where type in ('table', 'view') and name not like 'sqlite_%' and name not like 'libsql_%'" +
        " order by type desc, sql like 'create virtual%' desc",
    );
    const drops = rows.map(({ type, name }) => `drop ${String(type)} if exists "${String(name)}";`);
    const sequence = await client.execute("select 1 from sqlite_schema where name = 'sqlite_sequence'");
    if (sequence.rows.length > 0) drops.push('delete from sqlite_sequence;');
    if (drops.length > 0)
      await client.executeMultiple(`pragma foreign_keys = off;${drops.join('\n')}pragma foreign_keys = on;`);
  } finally {
    client.close();
  }
}
