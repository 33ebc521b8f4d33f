/**
 * Compares what stands here with an older commit: builds that one in a folder of its own, loads both builds into one process and
 * has them do the same in turn, the order swapped each round. Both use the driver, drizzle-orm and Kysely that are installed.
 * Prints the time of now as a multiple of before, as the median over the rounds and between the quickest rounds.
 *
 * Arguments: the commit, then words of the cases to run (`insert`, `Drizzle` …); `BENCH_ROUNDS` sets the number of rounds.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { eq, sql } from 'drizzle-orm';
import { integer, sqliteTable, text } from 'drizzle-orm/sqlite-core';
import { Kysely } from 'kysely';

const ROUNDS = Number(process.env.BENCH_ROUNDS ?? 31);
const WARM_UP = 6;
const ROWS = 10_000;
const POINTS = 2_000;
const SCANS = 3;
const BY_ID = 'select id, name, age from people where id = ?';
const ALL = 'select id, name, age from people';

const people = sqliteTable('people', {
  id: integer().primaryKey(),
  name: text().notNull(),
  age: integer().notNull(),
});

const here = fileURLToPath(new URL('..', import.meta.url));
const [commit, ...words] = process.argv.slice(2);
if (commit === undefined) throw new Error('name a commit to compare with: npm run bench:paired -- <commit>');
const folder = mkdtempSync(join(tmpdir(), 'turso-dialect-paired-'));
const before = join(folder, 'before');
try {
  build();
  const cases = { now: await open(here, 'now'), before: await open(before, 'before') };
  for (const [title, { operations }] of Object.entries(cases.now)) {
    if (words.length > 0 && !words.some((word) => title.includes(word))) continue;
    const [now, old] = [cases.now[title], cases.before[title]];
    report(title, operations, await measure(now?.run, old?.run));
  }
} finally {
  git('worktree', 'remove', '--force', before);
  rmSync(folder, { recursive: true, force: true });
}

/** Builds the commit beside what is installed here. Types may have changed with the dependencies, and are not checked. */
function build() {
  git('worktree', 'add', '--detach', '--quiet', before, commit);
  symlinkSync(join(here, 'node_modules'), join(before, 'node_modules'));
  const tsc = join(here, 'node_modules/typescript/bin/tsc');
  execFileSync(process.execPath, [tsc, '-p', join(before, 'tsconfig.build.json'), '--noCheck'], {
    stdio: 'inherit',
  });
  if (!existsSync(join(before, 'dist/index.js'))) throw new Error(`${commit} could not be built`);
}

/** @param {string[]} args */
function git(...args) {
  execFileSync('git', args, { cwd: here });
}

/**
 * What is compared, on a file and a memory of its own.
 *
 * @param {string} root of a build
 * @param {string} name
 * @returns {Promise<Record<string, { operations: number, run: () => Promise<unknown> }>>}
 */
async function open(root, name) {
  const load = (path) => import(pathToFileURL(join(root, 'dist', path)).href);
  const database = (await load('index.js')).open(join(folder, `${name}.db`));
  const memory = (await load('index.js')).open(':memory:');
  const drizzle = (await load('dialect/drizzle/index.js')).drizzle({ client: database });
  const { TursoDialect } = await load('dialect/kysely/index.js');
  const kysely = new Kysely({ dialect: new TursoDialect({ database }) });
  const columns = '(id integer primary key, name text not null, age integer not null)';
  await database.script(`create table people ${columns}; create table copies ${columns};
    with recursive n(i) as (select 1 union all select i + 1 from n where i < ${ROWS})
    insert into people select i, 'name ' || i, i % 90 from n`);
  const byId = database.prepare(BY_ID);
  const drizzleById = drizzle
    .select()
    .from(people)
    .where(eq(people.id, sql.placeholder('id')))
    .prepare();
  /** @param {(id: number) => Promise<unknown>} select */
  const points = (select) => ({
    operations: POINTS,
    run: async () => {
      for (let i = 0; i < POINTS; i++) await select(((i * 7919) % ROWS) + 1);
    },
  });
  /** @param {() => Promise<unknown>} select */
  const scans = (select) => ({
    operations: SCANS,
    run: async () => {
      for (let i = 0; i < SCANS; i++) await select();
    },
  });
  return {
    'execute: point select': points((id) => database.execute(BY_ID, [id])),
    'prepared: point select': points((id) => byId.all([id])),
    'Drizzle, prepared: point select': points((id) => drizzleById.all({ id })),
    'Kysely: point select': points((id) =>
      kysely.selectFrom('people').selectAll().where('id', '=', id).execute(),
    ),
    'prepared: insert': {
      operations: POINTS,
      run: () =>
        database.transaction(async (tx) => {
          await tx.execute('delete from copies');
          const insert = tx.prepare('insert into copies values (?, ?, ?)');
          for (let i = 1; i <= POINTS; i++) await insert.run([i, 'a name', 30]);
        }),
    },
    'transaction of one statement': points((id) =>
      memory.transaction((tx) => tx.execute('select ? as id', [id])),
    ),
    'execute: 10,000 rows': scans(() => database.execute(ALL)),
    'Drizzle: 10,000 rows': scans(() => drizzle.select().from(people)),
    'stream: 10,000 rows': scans(async () => {
      let rows = 0;
      for await (const row of database.stream(ALL)) rows += row.id > 0 ? 1 : 0;
      if (rows !== ROWS) throw new Error(`${rows} rows`);
    }),
  };
}

/**
 * Times both in turn.
 *
 * @param {() => Promise<unknown>} now
 * @param {() => Promise<unknown>} old
 * @returns {Promise<[now: number, before: number][]>} of each round, in µs
 */
async function measure(now, old) {
  /** @type {[number, number][]} */
  const rounds = [];
  for (let round = -WARM_UP; round < ROUNDS; round++) {
    const inOrder = round % 2 === 0;
    const first = await time(inOrder ? now : old);
    const second = await time(inOrder ? old : now);
    if (round >= 0) rounds.push(inOrder ? [first, second] : [second, first]);
  }
  return rounds;
}

/** @param {() => Promise<unknown>} run */
async function time(run) {
  // The garbage of one must not be the other's time; a full collection would throw compiled code away.
  globalThis.gc?.({ type: 'minor' });
  const start = process.hrtime.bigint();
  await run();
  return Number(process.hrtime.bigint() - start) / 1e3;
}

/**
 * @param {string} title
 * @param {number} operations in a round
 * @param {[now: number, before: number][]} rounds
 */
function report(title, operations, rounds) {
  const median = (values) => values.toSorted((a, b) => a - b)[values.length >> 1];
  const [now, old] = [0, 1].map((side) => rounds.map((round) => round[side]));
  const ratio = median(rounds.map(([a, b]) => a / b)).toFixed(3);
  const quickest = (Math.min(...now) / Math.min(...old)).toFixed(3);
  const times = [now, old].map((side) => (median(side) / operations).toFixed(2).padStart(9));
  console.log(`${title.padEnd(32)} median ${ratio}  quickest ${quickest}  µs ${times.join(' /')}`);
}
