// Migrates a file with Kysely's Migrator: <file> <"transactions" or "none"> [<what to die of>]
import { Kysely, sql } from 'kysely';
import { TursoDialect } from '../../../src/dialect/kysely/index.js';
import { Migrator } from '../kysely-migrator.js';

const [, , file = '', mode, dies] = process.argv;

const db = new Kysely<unknown>({ dialect: new TursoDialect({ url: file, busyTimeout: 20_000 }) });
const step = (name: string) => ({
  up: async (trx: Kysely<never>): Promise<void> => {
    await sql`insert into log (name) values (${name})`.execute(trx);
    await new Promise((resolve) => setTimeout(resolve, 5));
    if (dies === name) process.kill(process.pid, 'SIGKILL');
  },
});
const migrations = { a: step('a'), b: step('b'), c: step('c') };
const migrator = new Migrator({
  db,
  provider: { getMigrations: async () => migrations as never },
  disableTransactions: mode === 'none',
} as never);
const { error, results } = await migrator.migrateToLatest();
await db.destroy();
if (error !== undefined) throw error;
console.log(results?.length ?? 0);
