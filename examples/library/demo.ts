import type { LibraryRepository } from './repository.js';

/** A day at the library. */
export async function demo(library: LibraryRepository): Promise<void> {
  const [walden] = await library.addBooks([
    { title: 'Walden', copies: 1 },
    { title: 'Emma', copies: 2 },
  ]);
  const loan = await library.borrow(walden?.id ?? 0, 'Ada', new Date());
  console.log(`${loan.reader} borrowed book ${loan.book}`);
  await library.borrow(loan.book, 'Grace', new Date()).catch((error) => console.log(String(error)));
  for await (const { reader } of library.loans()) console.log(`on loan to ${reader}`);
  await library.giveBack(loan.id);
  console.log(await library.count());
  await library.close();
}
