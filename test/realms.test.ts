import { runInNewContext } from 'node:vm';
import { Kysely } from 'kysely';
import { describe, expect, it } from 'vitest';
import { drizzle } from '../src/dialect/drizzle/index.js';
import { TursoDialect, type TursoDialectConfig, TursoTypesPlugin } from '../src/dialect/kysely/index.js';
import { ParameterError } from '../src/errors.js';
import { encodeVector } from '../src/vector/codec.js';
import { openMemory } from './support/database.js';
import { failure } from './support/outcome.js';

/** A value of another realm, as Jest and `vm` make them; the text may use `$`. */
function foreign<T>(code: string, $?: unknown): T {
  return runInNewContext(code, { $ }) as T;
}

describe('what comes from another realm', () => {
  it('is taken as a config of drizzle()', async () => {
    const client = await openMemory();
    const db = drizzle(foreign<{ client: typeof client }>('({ client: $ })', client));
    expect(db.$client).toBe(client);
    const opened = drizzle(foreign<{ connection: string }>("({ connection: { url: ':memory:' } })"));
    expect(await opened.all('select 1 as one')).toEqual([{ one: 1 }]);
    await opened.$client.close();
  });

  it('is taken as a config of TursoDialect', async () => {
    const client = await openMemory();
    const dialect = new TursoDialect(foreign<TursoDialectConfig>('({ client: $ })', client));
    const db = new Kysely<{ t: { a: number } }>({ dialect });
    expect(await db.selectNoFrom((eb) => eb.lit(1).as('one')).execute()).toEqual([{ one: 1 }]);
  });

  it('is bound as binary data, shared memory too', async () => {
    const db = await openMemory();
    for (const code of ['new Uint8Array([1, 2]).buffer', 'new SharedArrayBuffer(2)', 'new Uint8Array(2)']) {
      const { rows } = await db.execute('select length(?) as n, typeof(?1) as type', [foreign(code)]);
      expect(rows).toEqual([{ n: 2, type: 'blob' }]);
    }
    const error = await failure(db.execute('select ?', [foreign('new Date()')]), ParameterError);
    expect(error.message).toContain('a Date has no SQLite value');
  });

  it('is stored as a vector', () => {
    const bytes = encodeVector({ type: 'float32', dimensions: 2 }, [1, 2]);
    for (const type of ['Float32Array', 'Float64Array', 'Array']) {
      expect(encodeVector({ type: 'float32', dimensions: 2 }, foreign(`${type}.of(1, 2)`))).toEqual(bytes);
      const doubles = encodeVector({ type: 'float64', dimensions: 2 }, foreign(`${type}.of(1, 2)`));
      expect(doubles).toEqual(encodeVector({ type: 'float64', dimensions: 2 }, [1, 2]));
    }
  });

  it('is a Date or JSON for the types plugin', async () => {
    const dialect = new TursoDialect(':memory:');
    const db = new Kysely<{ t: { at: Date; data: object } }>({ dialect, plugins: [new TursoTypesPlugin()] });
    await db.schema.createTable('t').addColumn('at', 'datetime').addColumn('data', 'json').execute();
    await db
      .insertInto('t')
      .values(foreign<{ at: Date; data: object }[]>('[{ at: new Date(5), data: { a: [1] } }]'))
      .execute();
    await db
      .insertInto('t')
      .values({ at: foreign<Date>('new Date(6)'), data: foreign<object>('({ b: 1 })') })
      .execute();
    const rows = await db
      .selectFrom('t')
      .selectAll()
      .where('at', '>', foreign<Date>('new Date(5)'))
      .execute();
    expect(rows).toEqual([{ at: new Date(6), data: { b: 1 } }]);
    await db.destroy();
  });
});

describe('an object of a class', () => {
  it('is taken as a config of drizzle()', async () => {
    class Settings {
      get connection(): { url: string } {
        return { url: ':memory:' };
      }
    }
    const db = drizzle(new Settings());
    expect(await db.all('select 1 as one')).toEqual([{ one: 1 }]);
    await db.$client.close();
  });
});
