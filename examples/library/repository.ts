/** A book, and how many copies of it are on the shelf. */
export interface Book {
  readonly id: number;
  readonly title: string;
  readonly copies: number;
}

/** A copy that somebody has at home. */
export interface Loan {
  readonly id: number;
  readonly book: number;
  readonly reader: string;
  readonly since: Date;
}

/** Nobody can borrow a book of which no copy is left, or that does not exist. */
export class NotAvailableError extends Error {
  constructor(book: number) {
    super(`no copy of book ${book} is on the shelf`);
  }
}

/** What the application knows of its database. */
export interface LibraryRepository {
  /** Adds books, all of them or none. */
  addBooks(books: readonly Omit<Book, 'id'>[]): Promise<Book[]>;
  findBook(id: number): Promise<Book | undefined>;
  /** Takes a copy from the shelf and notes the loan. @throws {@link NotAvailableError} */
  borrow(book: number, reader: string, since: Date): Promise<Loan>;
  /** Puts the copy of a loan back; nothing happens if that was done before. */
  giveBack(loan: number): Promise<void>;
  /** All loans, oldest first, fetched as they are asked for. */
  loans(): AsyncIterable<Loan>;
  /** How many books and how many loans there are. */
  count(): Promise<{ books: number; loans: number }>;
  close(): Promise<void>;
}
