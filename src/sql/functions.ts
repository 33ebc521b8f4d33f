const names = (text: string): readonly string[] => text.split(' ');

/**
 * Functions that reach files outside the database: `readfile`, `writefile` and the table-valued `fsdir` do (libsql 0.5.29
 * registers them on every connection, sqld does too), `load_extension` loads native code, and `sha3_query` runs the SQL
 * text that it is given, so it could call them out of our sight. `config.allowFileFunctions` lifts this.
 */
export const FILE_FUNCTIONS: ReadonlySet<string> = new Set(
  names('readfile writefile fsdir load_extension sha3_query'),
);

/** Functions that corrupt memory or end the process, in libsql 0.5.29 and in sqld 0.24, and how. */
const HARMFUL: Readonly<Record<string, string>> = {
  replicate: 'it writes past its memory when the result is long; use replace(hex(zeroblob(n)), …)',
  fts3_tokenizer: 'it takes bytes for a pointer to native code',
  libsql_vector_idx: 'outside CREATE INDEX it ends the process',
  vector_top_k:
    'with fewer than three arguments in parentheses nothing bounds its k, which can end the process',
};

/**
 * The functions that no statement may use; `fsdir` and `vector_top_k` are table-valued. Where `vector_top_k` and
 * `libsql_vector_idx` are harmless, `findRefusedFunctions` passes them over.
 */
export const REFUSED_FUNCTIONS: ReadonlySet<string> = new Set([...FILE_FUNCTIONS, ...Object.keys(HARMFUL)]);

/** Functions of which one argument is kept within bounds; see `boundCalls`. */
export const BOUNDED_FUNCTIONS: ReadonlySet<string> = new Set(names('padc padl padr rightstr'));

/**
 * Why a function is refused, to be put into a message.
 *
 * @example
 * ```ts
 * import { whyRefused } from './functions.js';
 *
 * whyRefused('readfile'); // it reaches files outside the database; config.allowFileFunctions lifts this
 * ```
 */
export function whyRefused(name: string): string {
  return HARMFUL[name] ?? 'it reaches files outside the database; config.allowFileFunctions lifts this';
}
