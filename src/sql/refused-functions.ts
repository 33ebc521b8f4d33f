import { findCalls, nameOf } from './calls.js';
import { REFUSED_FUNCTIONS } from './functions.js';
import { Lexer, TokenKind } from './lexer.js';
import { Word } from './words.js';

const NONE: readonly string[] = Object.freeze([]);
const MENTION = new RegExp([...REFUSED_FUNCTIONS].join('|'), 'i');
const MENTIONS = new RegExp(`(?<![\\w$\\x80-\\uffff])(?:${MENTION.source})(?![\\w$\\x80-\\uffff])`, 'gi');

/** Refused functions that are tables, used without parentheses too. */
const TABLE_FUNCTIONS: ReadonlySet<string> = new Set(['fsdir', 'vector_top_k']);
/** Refused functions that are harmless in some calls. */
const CONDITIONAL: ReadonlySet<string> = new Set(['vector_top_k', 'libsql_vector_idx']);

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
  const harmless = findHarmless(statement);
  let candidate = '';
  let previous: Word = Word.Other;
  for (let kind = lexer.next(); kind !== TokenKind.End; kind = lexer.next()) {
    if (candidate !== '' && kind === TokenKind.LeftParen) found.add(candidate);
    if (previous === Word.Create && lexer.word === Word.Virtual) {
      // FTS4 calls the function that its `uncompress=` argument names, bare or quoted: any mention counts.
      for (const [name] of statement.slice(lexer.end).matchAll(MENTIONS)) found.add(name.toLowerCase());
      break;
    }
    const spelt = nameOf(statement, lexer);
    const name = REFUSED_FUNCTIONS.has(spelt) && !harmless.has(lexer.start) ? spelt : '';
    if (tables.accept(kind, lexer.word) && TABLE_FUNCTIONS.has(name)) found.add(name);
    // SQLite calls no function by a 'name' in single quotes, while it takes one for the name of a table.
    candidate = kind === TokenKind.String ? '' : name;
    previous = lexer.word;
  }
  return [...found];
}

/** Where calls start that are harmless, though others of the same name are not. */
function findHarmless(statement: string): ReadonlySet<number> {
  const lexer = new Lexer(statement);
  do lexer.next();
  while (lexer.word === Word.Explain || lexer.word === Word.Query || lexer.word === Word.Plan);
  const first = lexer.word;
  lexer.next();
  // INDEX and UNIQUE are no words that the lexer tells apart.
  const indexed =
    first === Word.Create && /^(?:unique|index)$/i.test(statement.slice(lexer.start, lexer.end));
  const calls = findCalls(statement, CONDITIONAL).filter(({ name, args: [argument, ...others] }) =>
    name === 'vector_top_k'
      ? // A constraint on the hidden column `k` beside a third argument is an error of the engine.
        others.length === 2
      : indexed && argument !== undefined && startsWithName(statement, argument.start),
  );
  return new Set(calls.map(({ start }) => start));
}

/** Whether a name stands there, and no clause that leaves a call without arguments, as `f(ORDER BY 1)` does. */
function startsWithName(sql: string, start: number): boolean {
  const lexer = new Lexer(sql.slice(start));
  const kind = lexer.next();
  return kind === TokenKind.QuotedName || (kind === TokenKind.Word && lexer.word !== Word.Order);
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
