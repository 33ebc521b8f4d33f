/**
 * The words that matter for deciding how to run a statement, each with a small number. Every other word,
 * keyword or not, is {@link Word.Other}.
 */
export const Word = {
  Other: 0,
  Alter: 1,
  Analyze: 2,
  As: 3,
  Attach: 4,
  Begin: 5,
  Commit: 6,
  Create: 7,
  Delete: 8,
  Detach: 9,
  Drop: 10,
  End: 11,
  Explain: 12,
  From: 13,
  Group: 14,
  Having: 15,
  In: 16,
  Insert: 17,
  Into: 18,
  Join: 19,
  Limit: 20,
  Order: 21,
  Plan: 22,
  Pragma: 23,
  Query: 24,
  Reindex: 25,
  Release: 26,
  Replace: 27,
  Returning: 28,
  Rollback: 29,
  Savepoint: 30,
  Select: 31,
  Set: 32,
  Temp: 33,
  Temporary: 34,
  Trigger: 35,
  Update: 36,
  Vacuum: 37,
  Values: 38,
  Virtual: 39,
  Where: 40,
  With: 41,
  Union: 42,
  Intersect: 43,
  Except: 44,
} as const;

/** One of the numbers of {@link Word}. */
export type Word = (typeof Word)[keyof typeof Word];

const LONGEST = 9;
const BY_HASH = new Map<number, { readonly word: Word; readonly text: string }>();

for (const [name, word] of Object.entries(Word)) {
  if (word === Word.Other) continue;
  const text = name.toLowerCase();
  let hash = 0;
  for (let i = 0; i < text.length; i++) hash = hashWord(hash, text.charCodeAt(i));
  if (BY_HASH.has(hash)) throw new Error(`two words share a hash: ${text}`);
  BY_HASH.set(hash, { word, text });
}

/**
 * Adds one character to the hash of a word, upper and lower case alike.
 *
 * @example
 * ```ts
 * import { hashWord } from './words.js';
 *
 * hashWord(0, 'S'.charCodeAt(0)) === hashWord(0, 's'.charCodeAt(0)); // true
 * ```
 */
export function hashWord(hash: number, code: number): number {
  return (Math.imul(hash, 31) + (code | 0x20)) | 0;
}

/**
 * Finds the word that stands at `sql[start, end)`, whose hash the caller has computed while reading it.
 * Only ASCII letters are folded, as SQLite does.
 *
 * @example
 * ```ts
 * import { findWord, hashWord, Word } from './words.js';
 *
 * let hash = 0;
 * for (const letter of 'As') hash = hashWord(hash, letter.charCodeAt(0));
 * findWord('As', 0, 2, hash) === Word.As; // true
 * ```
 */
export function findWord(sql: string, start: number, end: number, hash: number): Word {
  if (end - start > LONGEST) return Word.Other;
  const entry = BY_HASH.get(hash);
  if (entry === undefined || entry.text.length !== end - start) return Word.Other;
  for (let i = start; i < end; i++) {
    // `| 0x20` turns no other identifier character into a letter: `_` becomes DEL, digits and `$` stay.
    if ((sql.charCodeAt(i) | 0x20) !== entry.text.charCodeAt(i - start)) return Word.Other;
  }
  return entry.word;
}
