import { type Generated, Kysely, type Selectable } from 'kysely';
import { batch, TursoDialect, TursoTypesPlugin } from 'turso-dialect/kysely';
import { type Book, type LibraryRepository, type Loan, NotAvailableError } from '../library/repository.js';

interface Schema {
  books: { id: Generated<number>; title: string; copies: number };
  loans: { id: Generated<number>; book: number; reader: string; since: Date };
}

/** Opens the library of a database file, which is made if it does not exist. */
export async function openLibrary(file: string): Promise<LibraryRepository> {
  const db = new Kysely<Schema>({
    dialect: new TursoDialect({ url: file, transactionBehavior: 'immediate' }),
    plugins: [new TursoTypesPlugin({ columns: { since: 'timestamp' } })],
  });
  await batch(db, [
    db.schema
      .createTable('books')
      .ifNotExists()
      .addColumn('id', 'integer', (id) => id.primaryKey())
      .addColumn('title', 'text', (title) => title.notNull().unique())
      .addColumn('copies', 'integer', (copies) => copies.notNull()),
    db.schema
      .createTable('loans')
      .ifNotExists()
      .addColumn('id', 'integer', (id) => id.primaryKey())
      .addColumn('book', 'integer', (book) => book.notNull().references('books.id'))
      .addColumn('reader', 'text', (reader) => reader.notNull())
      .addColumn('since', 'integer', (since) => since.notNull()),
  ]);
  return new KyselyLibrary(db);
}

class KyselyLibrary implements LibraryRepository {
  readonly #db: Kysely<Schema>;

  constructor(db: Kysely<Schema>) {
    this.#db = db;
  }

  addBooks(books: readonly Omit<Book, 'id'>[]): Promise<Selectable<Schema['books']>[]> {
    return this.#db.insertInto('books').values(books).returningAll().execute();
  }

  findBook(id: number): Promise<Book | undefined> {
    return this.#db.selectFrom('books').selectAll().where('id', '=', id).executeTakeFirst();
  }

  borrow(book: number, reader: string, since: Date): Promise<Loan> {
    return this.#db.transaction().execute(async (trx) => {
      const taken = await trx
        .updateTable('books')
        .set((eb) => ({ copies: eb('copies', '-', 1) }))
        .where('id', '=', book)
        .where('copies', '>', 0)
        .executeTakeFirst();
      if (taken.numUpdatedRows === 0n) throw new NotAvailableError(book);
      return await trx
        .insertInto('loans')
        .values({ book, reader, since })
        .returningAll()
        .executeTakeFirstOrThrow();
    });
  }

  async giveBack(loan: number): Promise<void> {
    await this.#db.transaction().execute(async (trx) => {
      const returned = await trx
        .deleteFrom('loans')
        .where('id', '=', loan)
        .returning('book')
        .executeTakeFirst();
      if (returned === undefined) return;
      await trx
        .updateTable('books')
        .set((eb) => ({ copies: eb('copies', '+', 1) }))
        .where('id', '=', returned.book)
        .execute();
    });
  }

  loans(): AsyncIterable<Loan> {
    return this.#db.selectFrom('loans').selectAll().orderBy('id').stream();
  }

  async count(): Promise<{ books: number; loans: number }> {
    const [[books], [loans]] = await batch(this.#db, [
      this.#db.selectFrom('books').select((eb) => eb.fn.countAll<number>().as('n')),
      this.#db.selectFrom('loans').select((eb) => eb.fn.countAll<number>().as('n')),
    ]);
    return { books: books?.n ?? 0, loans: loans?.n ?? 0 };
  }

  close(): Promise<void> {
    return this.#db.destroy();
  }
}
