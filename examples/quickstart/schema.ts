import { relations } from 'drizzle-orm';
import { index, integer, real, sqliteTable, text } from 'drizzle-orm/sqlite-core';

export const countries = sqliteTable('countries', {
  code: text().primaryKey(),
  /** Filled in by the queries, from the cities. */
  population: integer().notNull().default(0),
});

export const cities = sqliteTable(
  'cities',
  {
    id: integer().primaryKey(),
    name: text().notNull(),
    country: text()
      .notNull()
      .references(() => countries.code),
    population: integer().notNull(),
    longitude: real().notNull(),
    latitude: real().notNull(),
  },
  (table) => [index('cities_country').on(table.country, table.population)],
);

export const countriesRelations = relations(countries, ({ many }) => ({ cities: many(cities) }));

export const citiesRelations = relations(cities, ({ one }) => ({
  in: one(countries, { fields: [cities.country], references: [countries.code] }),
}));
