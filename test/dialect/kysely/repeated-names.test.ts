import { CamelCasePlugin, Kysely, type KyselyPlugin } from 'kysely';
import { describe, expect, it, onTestFinished } from 'vitest';
import { TursoDialect, TursoTypesPlugin } from '../../../src/dialect/kysely/index.js';
import { collect } from '../../support/outcome.js';

interface Schema {
  a: { id: number; data: unknown };
  b: { id: number; data: unknown };
}

async function openKysely(plugins: KyselyPlugin[] = []): Promise<Kysely<Schema>> {
  const db = new Kysely<Schema>({
    dialect: new TursoDialect({ url: ':memory:', intMode: 'bigint' }),
    plugins,
  });
  onTestFinished(() => db.destroy());
  for (const table of ['a', 'b']) {
    await db.schema.createTable(table).addColumn('id', 'integer').addColumn('data', 'json').execute();
  }
  const values = (id: bigint, data: string): never => ({ id, data }) as never;
  await db.insertInto('a').values(values(1n, '{"of":"a"}')).execute();
  await db.insertInto('b').values(values(2n, '{"of":"b"}')).execute();
  return db;
}

describe('columns with one name', () => {
  it("are in Kysely as in Kysely's own dialects: the last one, and no other key", async () => {
    const db = await openKysely();
    const query = db
      .selectFrom('a')
      .innerJoin('b', (join) => join.onTrue())
      .selectAll();
    expect(await query.execute()).toEqual([{ id: 2n, data: '{"of":"b"}' }]);
    expect(await collect(query.stream())).toEqual([{ id: 2n, data: '{"of":"b"}' }]);
  });

  it('are converted once', async () => {
    const db = await openKysely([new TursoTypesPlugin(), new CamelCasePlugin()]);
    const query = db
      .selectFrom('a')
      .innerJoin('b', (join) => join.onTrue())
      .selectAll();
    expect(await query.execute()).toEqual([{ id: 2n, data: { of: 'b' } }]);
  });
});

describe("with intMode 'bigint'", () => {
  it.each([
    ['1', 1],
    ['-9007199254740991', -9007199254740991],
    ['9007199254740993', 9007199254740993n],
    ['[1]', [1]],
  ])('the JSON text %s is JSON', async (text, expected) => {
    const db = await openKysely([new TursoTypesPlugin()]);
    await db
      .updateTable('a')
      .set({ data: text as never })
      .execute();
    expect((await db.selectFrom('a').select('data').executeTakeFirstOrThrow()).data).toEqual(expected);
  });
});
