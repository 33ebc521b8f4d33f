import { Lexer, TokenKind } from './lexer.js';
import { Word } from './words.js';

/**
 * Functions and table-valued functions that no statement may use unless the user asks for it. libsql 0.5.29
 * registers `readfile`, `writefile` and `fsdir` on every connection (sqld does too): they read, write and
 * list any file that the process may. `sha3_query` runs the SQL text that it is given, so it could call them
 * out of our sight, and `load_extension` loads native code.
 */
const REFUSED_FUNCTIONS: ReadonlySet<string> = new Set([
  'readfile',
  'writefile',
  'fsdir',
  'load_extension',
  'sha3_query',
]);

const NONE: readonly string[] = Object.freeze([]);
const MENTION = /readfile|writefile|fsdir|load_extension|sha3_query/i;
const MENTIONS = new RegExp(`(?<![\\w$\\x80-\\uffff])(?:${MENTION.source})(?![\\w$\\x80-\\uffff])`, 'gi');

/**
 * Whether a refused name occurs anywhere in the text, as a name or as a part of anything. One quick test of
 * the whole text spares nearly every statement {@link findRefusedFunctions}.
 *
 * @example
 * ```ts
 * import { mentionsRefusedFunction } from './refused-functions.js';
 *
 * mentionsRefusedFunction("select 'readfile'"); // true, though it does not call it
 * ```
 */
export function mentionsRefusedFunction(sql: string): boolean {
  return MENTION.test(sql);
}

/**
 * Finds the refused functions that one statement uses: lower case, in order of appearance, without repeats.
 *
 * Where a use cannot be told from something harmless it counts as a use: `insert into readfile(a) …` and
 * `create table readfile(a)` are reported.
 *
 * @example
 * ```ts
 * import { findRefusedFunctions } from './refused-functions.js';
 *
 * findRefusedFunctions('select "ReadFile"(path) from t, fsdir'); // ['readfile', 'fsdir']
 * findRefusedFunctions("select readfile, 'fsdir(1)' from t");    // []
 * ```
 */
export function findRefusedFunctions(statement: string): readonly string[] {
  if (!MENTION.test(statement)) return NONE;
  const found = new Set<string>();
  const lexer = new Lexer(statement);
  const tables = new TablePositions();
  let candidate = '';
  let previous: Word = Word.Other;
  for (let kind = lexer.next(); kind !== TokenKind.End; kind = lexer.next()) {
    if (candidate !== '' && kind === TokenKind.LeftParen) found.add(candidate);
    if (previous === Word.Create && lexer.word === Word.Virtual) {
      // FTS4 calls the function that its `uncompress=` argument names, bare or quoted: any mention counts.
      for (const [name] of statement.slice(lexer.end).matchAll(MENTIONS)) found.add(name.toLowerCase());
      break;
    }
    const name = refusedName(statement, lexer);
    if (tables.accept(kind, lexer.word) && name === 'fsdir') found.add(name);
    // SQLite calls no function by a 'name' in single quotes, while it takes one for the name of a table.
    candidate = kind === TokenKind.String ? '' : name;
    previous = lexer.word;
  }
  return [...found];
}

/** The refused name that the current token spells, or ''. */
function refusedName(sql: string, lexer: Lexer): string {
  const { kind } = lexer;
  const quoted = kind === TokenKind.QuotedName || kind === TokenKind.String;
  if (!quoted && kind !== TokenKind.Word) return '';
  const edge = quoted ? 1 : 0;
  // None of the names holds a quote, so a name with a doubled quote needs no undoubling to be dismissed.
  const name = sql.slice(lexer.start + edge, lexer.end - edge).toLowerCase();
  return REFUSED_FUNCTIONS.has(name) ? name : '';
}

/**
 * Follows where a statement names tables: after FROM, JOIN, INTO and IN, after a comma of a FROM clause, in
 * a parenthesis that stands for a table, and after the `.` of a qualified table name. Only reserved words end
 * a FROM clause here: WINDOW, say, may be an alias (`from t window, fsdir`).
 */
class TablePositions {
  readonly #outer: boolean[] = [];
  #inFrom = false;
  #expected = false;
  #afterTable = false;
  #afterIn = false;

  /** Takes a token and tells whether it stands where a table is named. */
  accept(kind: TokenKind, word: Word): boolean {
    const here = this.#expected;
    const afterTable = this.#afterTable;
    const afterIn = this.#afterIn;
    this.#expected = false;
    this.#afterTable = here && kind !== TokenKind.LeftParen;
    this.#afterIn = false;
    switch (kind) {
      case TokenKind.LeftParen:
        this.#outer.push(this.#inFrom);
        this.#inFrom = this.#expected = here && !afterIn;
        break;
      case TokenKind.RightParen:
        this.#inFrom = this.#outer.pop() ?? false;
        break;
      case TokenKind.Comma:
        this.#expected = this.#inFrom;
        break;
      case TokenKind.Dot:
        this.#expected = afterTable;
        break;
      case TokenKind.Word:
        this.#acceptWord(word);
        break;
      default:
        break;
    }
    return here;
  }

  #acceptWord(word: Word): void {
    switch (word) {
      case Word.From:
        this.#inFrom = this.#expected = true;
        break;
      case Word.Join:
      case Word.Into:
        this.#expected = true;
        break;
      case Word.In:
        this.#expected = this.#afterIn = true;
        break;
      case Word.Select:
      case Word.Where:
      case Word.Group:
      case Word.Having:
      case Word.Order:
      case Word.Limit:
      case Word.Set:
      case Word.Values:
      case Word.Returning:
        this.#inFrom = false;
        break;
      default:
        break;
    }
  }
}
