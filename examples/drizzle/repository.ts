import { and, asc, count, eq, gt, sql } from 'drizzle-orm';
import { integer, sqliteTable, text } from 'drizzle-orm/sqlite-core';
import { drizzle, type TursoDatabase } from 'turso-dialect/drizzle';
import { type Book, type LibraryRepository, type Loan, NotAvailableError } from '../library/repository.js';

const books = sqliteTable('books', {
  id: integer().primaryKey(),
  title: text().notNull().unique(),
  copies: integer().notNull(),
});

const loans = sqliteTable('loans', {
  id: integer().primaryKey(),
  book: integer()
    .notNull()
    .references(() => books.id),
  reader: text().notNull(),
  since: integer({ mode: 'timestamp' }).notNull(),
});

/** Opens the library of a database file, which is made if it does not exist. */
export async function openLibrary(file: string): Promise<LibraryRepository> {
  const db = drizzle({ connection: { url: file, transactionBehavior: 'immediate' } });
  // An application would leave this to drizzle-kit and migrate().
  await db.$client.script(`
    create table if not exists books (id integer primary key, title text not null unique, copies integer not null);
    create table if not exists loans (
      id integer primary key, book integer not null references books, reader text not null, since integer not null
    );
  `);
  return new DrizzleLibrary(db);
}

class DrizzleLibrary implements LibraryRepository {
  readonly #db: TursoDatabase;

  constructor(db: TursoDatabase) {
    this.#db = db;
  }

  addBooks(added: readonly Omit<Book, 'id'>[]): Promise<Book[]> {
    return this.#db
      .insert(books)
      .values([...added])
      .returning();
  }

  findBook(id: number): Promise<Book | undefined> {
    return this.#db.select().from(books).where(eq(books.id, id)).get();
  }

  borrow(book: number, reader: string, since: Date): Promise<Loan> {
    return this.#db.transaction(async (tx) => {
      const { rowsAffected } = await tx
        .update(books)
        .set({ copies: sql`${books.copies} - 1` })
        .where(and(eq(books.id, book), gt(books.copies, 0)));
      if (rowsAffected === 0) throw new NotAvailableError(book);
      return await tx.insert(loans).values({ book, reader, since }).returning().get();
    });
  }

  async giveBack(loan: number): Promise<void> {
    await this.#db.transaction(async (tx) => {
      const returned = await tx.delete(loans).where(eq(loans.id, loan)).returning().get();
      if (returned === undefined) return;
      await tx
        .update(books)
        .set({ copies: sql`${books.copies} + 1` })
        .where(eq(books.id, returned.book));
    });
  }

  loans(): AsyncIterable<Loan> {
    return this.#db.stream(this.#db.select().from(loans).orderBy(asc(loans.id)));
  }

  async count(): Promise<{ books: number; loans: number }> {
    const [[inBooks], [inLoans]] = await this.#db.batch([
      this.#db.select({ n: count() }).from(books),
      this.#db.select({ n: count() }).from(loans),
    ]);
    return { books: inBooks?.n ?? 0, loans: inLoans?.n ?? 0 };
  }

  close(): Promise<void> {
    return this.#db.$client.close();
  }
}
