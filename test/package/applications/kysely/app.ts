import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createClient } from '@libsql/client';
import { LibsqlDialect, type LibsqlDialectConfig } from '@libsql/kysely-libsql';
import {
  CamelCasePlugin,
  type ColumnType,
  type Generated,
  type Insertable,
  Kysely,
  type Migration,
  type MigrationProvider,
  Migrator,
  ParseJSONResultsPlugin,
  type Selectable,
  sql,
  type Transaction,
  type Updateable,
} from 'kysely';
import { jsonArrayFrom, jsonObjectFrom } from 'kysely/helpers/sqlite';

// A shop: what an ordinary application does with Kysely on libSQL. It prints what it sees, one line a fact.

interface CustomerTable {
  id: Generated<number>;
  email: string;
  name: string;
  vip: ColumnType<number, number | undefined, number>;
  createdAt: ColumnType<string, string | undefined, never>;
}

interface OrderTable {
  id: Generated<number>;
  customerId: number;
  total: number;
  note: string | null;
}

interface ItemTable {
  orderId: number;
  product: string;
  amount: number;
  data: Uint8Array | null;
}

interface Schema {
  customer: CustomerTable;
  order: OrderTable;
  item: ItemTable;
}

type Customer = Selectable<CustomerTable>;
type NewCustomer = Insertable<CustomerTable>;
type CustomerUpdate = Updateable<CustomerTable>;
type Db = Kysely<Schema> | Transaction<Schema>;

function print(label: string, value: unknown): void {
  const text = JSON.stringify(value, (_, inner: unknown) =>
    typeof inner === 'bigint' ? `${inner}n` : inner,
  );
  console.log(`${label}: ${text}`);
}

const migrations: Record<string, Migration> = {
  '001_customers': {
    async up(db: Kysely<unknown>) {
      await db.schema
        .createTable('customer')
        .addColumn('id', 'integer', (column) => column.primaryKey().autoIncrement())
        .addColumn('email', 'text', (column) => column.notNull().unique())
        .addColumn('name', 'text', (column) => column.notNull())
        .addColumn('vip', 'integer', (column) => column.notNull().defaultTo(0))
        .addColumn('created_at', 'text', (column) => column.notNull().defaultTo('2024-01-01'))
        .execute();
    },
    async down(db: Kysely<unknown>) {
      await db.schema.dropTable('customer').execute();
    },
  },
  '002_orders': {
    async up(db: Kysely<unknown>) {
      await db.schema
        .createTable('order')
        .addColumn('id', 'integer', (column) => column.primaryKey())
        .addColumn('customer_id', 'integer', (column) =>
          column.notNull().references('customer.id').onDelete('cascade'),
        )
        .addColumn('total', 'real', (column) => column.notNull())
        .addColumn('note', 'text')
        .execute();
      await db.schema
        .createTable('item')
        .addColumn('order_id', 'integer', (column) => column.notNull().references('order.id'))
        .addColumn('product', 'text', (column) => column.notNull())
        .addColumn('amount', 'integer', (column) => column.notNull())
        .addColumn('data', 'blob')
        .addPrimaryKeyConstraint('item_key', ['order_id', 'product'])
        .execute();
      await db.schema.createIndex('order_customer').on('order').column('customer_id').execute();
    },
    async down(db: Kysely<unknown>) {
      await db.schema.dropTable('item').execute();
      await db.schema.dropTable('order').execute();
    },
  },
};

const provider: MigrationProvider = { getMigrations: async () => migrations };

function connect(config: LibsqlDialectConfig): Kysely<Schema> {
  return new Kysely<Schema>({
    dialect: new LibsqlDialect(config),
    plugins: [new CamelCasePlugin(), new ParseJSONResultsPlugin()],
  });
}

async function createCustomer(db: Db, customer: NewCustomer): Promise<Customer> {
  return await db.insertInto('customer').values(customer).returningAll().executeTakeFirstOrThrow();
}

async function updateCustomer(db: Db, id: number, update: CustomerUpdate): Promise<bigint> {
  const { numUpdatedRows } = await db
    .updateTable('customer')
    .set(update)
    .where('id', '=', id)
    .executeTakeFirst();
  return numUpdatedRows;
}

async function seed(db: Kysely<Schema>): Promise<void> {
  const ada = await createCustomer(db, { email: 'ada@example.com', name: 'Ada', vip: 1 });
  const bob = await createCustomer(db, { email: 'bob@example.com', name: 'Bob' });
  print('created', [ada, bob]);
  const inserted = await db
    .insertInto('order')
    .values({ customerId: ada.id, total: 12.5, note: null })
    .executeTakeFirstOrThrow();
  print('inserted', [inserted.insertId, inserted.numInsertedOrUpdatedRows]);
  await db
    .insertInto('order')
    .values([
      { customerId: ada.id, total: 7, note: 'gift' },
      { customerId: bob.id, total: 100, note: 'urgent' },
    ])
    .execute();
  await db
    .insertInto('item')
    .values([
      { orderId: 1, product: 'pen', amount: 2, data: new Uint8Array([1, 2, 255]) },
      { orderId: 1, product: 'ink', amount: 1, data: null },
      { orderId: 3, product: 'pen', amount: 5, data: null },
    ])
    .execute();
}

async function read(db: Kysely<Schema>): Promise<void> {
  print('all', await db.selectFrom('customer').selectAll().orderBy('id').execute());
  print('first', await db.selectFrom('customer').select('name').where('id', '=', 2).executeTakeFirst());
  print('none', await db.selectFrom('customer').select('name').where('id', '=', 9).executeTakeFirst());
  const joined = await db
    .selectFrom('order')
    .innerJoin('customer', 'customer.id', 'order.customerId')
    .select(['order.id', 'customer.name', 'order.total'])
    .where('order.total', '>', 10)
    .orderBy('order.id', 'desc')
    .execute();
  print('join', joined);
  const grouped = await db
    .selectFrom('customer as c')
    .leftJoin('order as o', 'o.customerId', 'c.id')
    .select(({ fn }) => [
      'c.name',
      fn.count<number>('o.id').as('orders'),
      fn.sum<number>('o.total').as('sum'),
    ])
    .groupBy('c.id')
    .having(({ fn }) => fn.count('o.id'), '>', 0)
    .orderBy('c.name')
    .execute();
  print('group', grouped);
  const nested = await db
    .selectFrom('order')
    .select((eb) => [
      'order.id',
      jsonArrayFrom(
        eb
          .selectFrom('item')
          .select(['product', 'amount'])
          .whereRef('item.orderId', '=', 'order.id')
          .orderBy('product'),
      ).as('items'),
      jsonObjectFrom(
        eb.selectFrom('customer').select('name').whereRef('customer.id', '=', 'order.customerId'),
      ).as('customer'),
    ])
    .orderBy('order.id')
    .execute();
  print('nested', nested);
  const many = await db
    .with('big', (qb) => qb.selectFrom('order').select('customerId').where('total', '>=', 12.5))
    .selectFrom('big')
    .innerJoin('customer', 'customer.id', 'big.customerId')
    .select('customer.email')
    .execute();
  print('cte', many);
  const flags = await db
    .selectFrom('customer')
    .select(({ case: when }) => [
      'name',
      when().when('vip', '=', 1).then('vip').else('plain').end().as('kind'),
      sql<number>`length(name)`.as('size'),
    ])
    .execute();
  print('case', flags);
  const blob = await db.selectFrom('item').select('data').where('product', '=', 'pen').executeTakeFirst();
  print('blob', blob?.data && [...new Uint8Array(blob.data)]);
  print(
    'raw',
    (await sql<{ n: number }>`select count(*) as n from item where amount > ${1}`.execute(db)).rows,
  );
}

async function write(db: Kysely<Schema>): Promise<void> {
  print('updated', await updateCustomer(db, 2, { name: 'Robert' }));
  print('not updated', await updateCustomer(db, 99, { name: 'Nobody' }));
  const upserted = await db
    .insertInto('customer')
    .values({ email: 'ada@example.com', name: 'Ada L.' })
    .onConflict((conflict) => conflict.column('email').doUpdateSet({ name: (eb) => eb.ref('excluded.name') }))
    .returning(['id', 'name'])
    .execute();
  print('upsert', upserted);
  const deleted = await db.deleteFrom('item').where('product', '=', 'ink').executeTakeFirst();
  print('deleted', deleted.numDeletedRows);
  const returned = await db
    .updateTable('order')
    .set((eb) => ({ total: eb('total', '+', 1) }))
    .returning('total')
    .execute();
  print('returned', returned);
  try {
    await createCustomer(db, { email: 'bob@example.com', name: 'Again' });
  } catch (error) {
    const { code, message } = error as Error & { code?: string };
    print('constraint', [code, message.includes('UNIQUE constraint failed: customer.email')]);
  }
}

async function transact(db: Kysely<Schema>): Promise<void> {
  const total = await db.transaction().execute(async (trx) => {
    const customer = await createCustomer(trx, { email: 'eve@example.com', name: 'Eve' });
    await trx.insertInto('order').values({ customerId: customer.id, total: 1, note: null }).execute();
    return await trx
      .selectFrom('order')
      .select(({ fn }) => fn.countAll<number>().as('n'))
      .executeTakeFirstOrThrow();
  });
  print('transaction', total);
  const failed = db.transaction().execute(async (trx) => {
    await trx.deleteFrom('item').execute();
    throw new Error('changed my mind');
  });
  print('undone', await failed.catch((error: Error) => error.message));
  print(
    'kept',
    await db
      .selectFrom('item')
      .select(({ fn }) => fn.countAll<number>().as('n'))
      .execute(),
  );
}

async function migrate(db: Kysely<Schema>): Promise<void> {
  // The plugins of the application are not for its migrations.
  const migrator = new Migrator({ db: db.withoutPlugins(), provider });
  const { error, results } = await migrator.migrateToLatest();
  if (error !== undefined) throw error;
  print(
    'migrated',
    results?.map(({ migrationName, status }) => [migrationName, status]),
  );
  print(
    'pending',
    (await migrator.getMigrations()).filter(({ executedAt }) => executedAt === undefined).length,
  );
}

const folder = mkdtempSync(path.join(tmpdir(), 'shop-'));
try {
  const url = `file:${folder}/shop.db`;
  const db = connect({ url });
  await migrate(db);
  await seed(db);
  await read(db);
  await write(db);
  await transact(db);
  const tables = await db.introspection.getTables();
  print(
    'tables',
    tables.map(({ name, columns }) => [name, columns.map((column) => column.name)]),
  );
  const client = createClient({ url });
  const second = connect({ client });
  print('given client', await second.selectFrom('customer').select('email').orderBy('id').execute());
  await second.destroy();
  print('still open', [client.closed, (await client.execute('select 1 as one')).rows]);
  client.close();
  await db.destroy();
} finally {
  rmSync(folder, { recursive: true, force: true });
}
