/** Loads the cities of the world into a file database and asks it questions. See the README beside this file. */
import { mkdirSync, rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { drizzle, migrate } from 'turso-dialect/drizzle';
import { loadCities } from './load.js';
import { timed } from './progress.js';
import {
  countInBatch,
  countriesWithCities,
  largestCities,
  rollBack,
  streamCities,
  sumUpCountries,
} from './queries.js';
import * as schema from './schema.js';

// Compiled to examples/.build/quickstart, beside which the example's own folder is.
const folder = fileURLToPath(new URL('../../quickstart/', import.meta.url));
const limit = process.env.QUICKSTART_CITIES === undefined ? undefined : Number(process.env.QUICKSTART_CITIES);
const path = process.env.QUICKSTART_DATABASE ?? `${folder}.data/cities.db`;

mkdirSync(`${folder}.data`, { recursive: true });
for (const suffix of ['', '-wal', '-shm']) rmSync(path + suffix, { force: true });

const db = drizzle(path, { schema });
const { applied } = await timed('migrating', () => migrate(db, { migrationsFolder: `${folder}drizzle` }));
console.log(`  applied ${applied.join(', ')}`);
const loaded = await timed('loading cities', () => loadCities(db, limit));
console.log(`  ${loaded} cities`);

for (const ask of [
  largestCities,
  sumUpCountries,
  countriesWithCities,
  rollBack,
  countInBatch,
  streamCities,
]) {
  await ask(db);
}
await db.$client.close();
console.log(`The database is ${path}`);
