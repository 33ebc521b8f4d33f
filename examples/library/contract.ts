import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { demo } from './demo.js';
import { type LibraryRepository, type Loan, NotAvailableError } from './repository.js';

const MORNING = new Date('2026-03-01T08:00:00Z');

/** What every implementation has to do, on a database file. */
export function itIsALibrary(name: string, open: (file: string) => Promise<LibraryRepository>): void {
  describe(name, () => {
    let folder: string;
    let library: LibraryRepository;

    beforeEach(async () => {
      folder = mkdtempSync(join(tmpdir(), 'turso-dialect-library-'));
      library = await open(join(folder, 'library.db'));
    });

    afterEach(async () => {
      await library.close();
      rmSync(folder, { recursive: true, force: true });
    });

    it('adds books, all or none', async () => {
      const [first] = await library.addBooks([
        { title: 'Middlemarch', copies: 2 },
        { title: 'Walden', copies: 1 },
      ]);
      expect(first).toEqual({ id: 1, title: 'Middlemarch', copies: 2 });
      const twice = [
        { title: 'Emma', copies: 1 },
        { title: 'Walden', copies: 1 },
      ];
      await expect(library.addBooks(twice)).rejects.toThrow();
      expect(await library.count()).toEqual({ books: 2, loans: 0 });
      expect(await library.findBook(3)).toBeUndefined();
    });

    it('lends every copy once, however many ask at a time', async () => {
      const [book] = await library.addBooks([{ title: 'Walden', copies: 3 }]);
      const id = book?.id ?? 0;
      const readers = Array.from({ length: 10 }, (_, i) => `reader ${i}`);
      const outcomes = await Promise.allSettled(readers.map((reader) => library.borrow(id, reader, MORNING)));
      expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(3);
      for (const outcome of outcomes) {
        if (outcome.status === 'rejected') expect(outcome.reason).toBeInstanceOf(NotAvailableError);
      }
      expect(await library.findBook(id)).toEqual({ id, title: 'Walden', copies: 0 });
    });

    it('takes a copy back once', async () => {
      const [book] = await library.addBooks([{ title: 'Emma', copies: 1 }]);
      const loan = await library.borrow(book?.id ?? 0, 'Ada', MORNING);
      expect(loan).toMatchObject({ reader: 'Ada', since: MORNING });
      await library.giveBack(loan.id);
      await library.giveBack(loan.id);
      expect(await library.findBook(loan.book)).toMatchObject({ copies: 1 });
      expect(await library.count()).toEqual({ books: 1, loans: 0 });
    });

    it('has a day', async () => {
      const printed = vi.spyOn(console, 'log').mockImplementation(() => {});
      await demo(await open(':memory:'));
      expect(printed.mock.calls.flat().map(String)).toEqual([
        'Ada borrowed book 1',
        'Error: no copy of book 1 is on the shelf',
        'on loan to Ada',
        '[object Object]',
      ]);
      expect(printed.mock.lastCall).toEqual([{ books: 2, loans: 0 }]);
      printed.mockRestore();
    });

    it('streams the loans', async () => {
      const [book] = await library.addBooks([{ title: 'Emma', copies: 50 }]);
      for (let i = 0; i < 50; i++) await library.borrow(book?.id ?? 0, `reader ${i}`, new Date(i * 1_000));
      const seen: Loan[] = [];
      for await (const loan of library.loans()) {
        seen.push(loan);
        if (seen.length === 30) break;
      }
      expect(seen.map(({ since }) => since.getTime())).toEqual(seen.map((_, i) => i * 1_000));
    });
  });
}
