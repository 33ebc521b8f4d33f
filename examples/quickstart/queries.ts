import { and, count, desc, eq, gt, sql, sum } from 'drizzle-orm';
import type { TursoDatabase } from 'turso-dialect/drizzle';
import { timed } from './progress.js';
import { cities, countries } from './schema.js';
import type * as schema from './schema.js';

type Db = TursoDatabase<typeof schema>;

/** A typed query with a condition that is given at each run. */
export async function largestCities(db: Db): Promise<void> {
  const ofCountry = db
    .select({ name: cities.name, population: cities.population })
    .from(cities)
    .where(eq(cities.country, sql.placeholder('country')))
    .orderBy(desc(cities.population))
    .limit(3)
    .prepare();
  const found = await timed('largest cities of AD, a prepared query', () => ofCountry.all({ country: 'AD' }));
  console.log(`  ${found.map(({ name, population }) => `${name} (${population})`).join(', ')}`);
}

/** Sums up in one transaction, retried if another process is writing at the same time. */
export async function sumUpCountries(db: Db): Promise<void> {
  const { total } = await timed('population of each country, in a transaction', () =>
    db.transaction(
      async (tx) => {
        const inhabitants = tx.select({ sum: sum(cities.population) }).from(cities);
        await tx.update(countries).set({
          population: sql`coalesce((${inhabitants.where(eq(cities.country, countries.code))}), 0)`,
        });
        const [row] = await tx.select({ total: sum(countries.population).mapWith(Number) }).from(countries);
        return { total: row?.total ?? 0 };
      },
      { behavior: 'immediate', retry: 3 },
    ),
  );
  console.log(`  ${total.toLocaleString('en')} people live in these cities`);
}

/** What throws is rolled back, whatever it did before. */
export async function rollBack(db: Db): Promise<void> {
  const before = await db.$count(cities);
  await timed('deleting every city and rolling back', () =>
    db
      .transaction(async (tx) => {
        await tx.delete(cities);
        tx.rollback();
      })
      .catch(() => {}),
  );
  console.log(`  ${before} cities before, ${await db.$count(cities)} after`);
}

/** A tree of rows in one query. */
export async function countriesWithCities(db: Db): Promise<void> {
  const found = await timed('the three largest countries with their cities, a relational query', () =>
    db.query.countries.findMany({
      orderBy: (country) => desc(country.population),
      limit: 3,
      with: { cities: { orderBy: (city) => desc(city.population), limit: 2 } },
    }),
  );
  for (const country of found)
    console.log(`  ${country.code}: ${country.cities.map(({ name }) => name).join(', ')}`);
}

/** Several queries in one go; the result is a tuple with the type of each. */
export async function countInBatch(db: Db): Promise<void> {
  const [total, large] = await timed('two counts, a batch', () =>
    db.batch([
      db.select({ n: count() }).from(cities),
      db
        .select({ n: count() })
        .from(cities)
        .where(and(gt(cities.population, 1_000_000))),
    ]),
  );
  console.log(`  ${total[0]?.n} cities, ${large[0]?.n} with more than a million inhabitants`);
}

/** Row by row, in little memory however large the table is. */
export async function streamCities(db: Db): Promise<void> {
  let northernmost: { name: string; latitude: number } = { name: '', latitude: Number.NEGATIVE_INFINITY };
  await timed('the northernmost city, a stream over all', async () => {
    for await (const city of db.stream(db.select().from(cities))) {
      if (city.latitude > northernmost.latitude) northernmost = city;
    }
  });
  console.log(`  ${northernmost.name} at ${northernmost.latitude.toFixed(2)}°`);
}
