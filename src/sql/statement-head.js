import { TokenKind } from './lexer.js';
import { Word } from './words.js';
const KINDS = new Map([
  [Word.Select, 'read'],
  [Word.Values, 'read'],
  [Word.Insert, 'write'],
  [Word.Update, 'write'],
  [Word.Delete, 'write'],
  [Word.Replace, 'write'],
  [Word.Create, 'write'],
  [Word.Drop, 'write'],
  [Word.Alter, 'write'],
  [Word.Reindex, 'write'],
  [Word.Analyze, 'write'],
  [Word.Begin, 'transaction'],
  [Word.Commit, 'transaction'],
  [Word.End, 'transaction'],
  [Word.Rollback, 'transaction'],
  [Word.Savepoint, 'transaction'],
  [Word.Release, 'transaction'],
  [Word.Vacuum, 'outside'],
  [Word.Attach, 'outside'],
  [Word.Detach, 'outside'],
]);
/** Pragmas whose argument only says what to read. */
const READING_PRAGMAS = new Set([
  'table_info',
  'table_xinfo',
  'table_list',
  'index_list',
  'index_info',
  'index_xinfo',
  'foreign_key_list',
  'foreign_key_check',
  'integrity_check',
  'quick_check',
]);
/** Pragmas that change something even without an argument. */
const ACTING_PRAGMAS = new Set(['optimize', 'incremental_vacuum', 'wal_checkpoint', 'shrink_memory']);
/**
 * Reads the beginning of a statement, token by token, until it knows what kind of statement it is.
 *
 * @example
 * ```ts
 * import { Lexer, TokenKind } from './lexer.js';
 * import { StatementHead } from './statement-head.js';
 *
 * const sql = 'pragma main.user_version = 3';
 * const lexer = new Lexer(sql);
 * const head = new StatementHead(sql);
 * while (!head.done && lexer.next() !== TokenKind.End) head.accept(lexer, 0);
 * head.kind; // 'outside'
 * ```
 */
export class StatementHead {
  #sql;
  #phase = 'start';
  #verb = '';
  #word = Word.Other;
  #explained = false;
  #trigger = false;
  #afterParen = false;
  #pragma;
  #pragmaArgument = false;
  constructor(sql) {
    this.#sql = sql;
  }
  /** Whether all is known, so that no more tokens are needed. */
  get done() {
    return this.#phase === 'done';
  }
  /** The main verb in upper case; EXPLAIN for whatever it explains. */
  get verb() {
    return this.#explained ? 'EXPLAIN' : this.#verb;
  }
  /** Whether this is CREATE TRIGGER, whose body holds statements of its own. */
  get trigger() {
    return this.#trigger;
  }
  /** Whether a RETURNING clause is possible. */
  get mayReturn() {
    if (this.#explained) return false;
    const word = this.#word;
    return word === Word.Insert || word === Word.Update || word === Word.Delete || word === Word.Replace;
  }
  /** Lower-case name of the pragma, without its schema. */
  get pragma() {
    return this.#pragma;
  }
  /** Whether the pragma has an argument. */
  get pragmaArgument() {
    return this.#pragmaArgument;
  }
  /** How the statement may be run. */
  get kind() {
    if (this.#pragma !== undefined) {
      const reads = this.#pragmaArgument
        ? READING_PRAGMAS.has(this.#pragma)
        : !ACTING_PRAGMAS.has(this.#pragma);
      return reads ? 'read' : 'outside';
    }
    return this.#explained ? 'read' : (KINDS.get(this.#word) ?? 'unknown');
  }
  /** Takes the current token of `lexer`; `depth` is the number of parentheses open after it. */
  accept(lexer, depth) {
    switch (this.#phase) {
      case 'start':
        this.#acceptVerb(lexer);
        break;
      case 'explained':
        if (lexer.word !== Word.Query && lexer.word !== Word.Plan) this.#acceptVerb(lexer);
        break;
      case 'with':
        this.#acceptWith(lexer, depth);
        break;
      case 'create':
        if (lexer.word === Word.Temp || lexer.word === Word.Temporary) break;
        this.#trigger = lexer.word === Word.Trigger;
        this.#phase = 'done';
        break;
      case 'pragma name':
        this.#pragma = nameOf(this.#sql, lexer);
        this.#phase = 'pragma tail';
        break;
      case 'pragma tail':
        this.#pragmaArgument = lexer.kind === TokenKind.Equals || lexer.kind === TokenKind.LeftParen;
        this.#phase = lexer.kind === TokenKind.Dot ? 'pragma name' : 'done';
        break;
      case 'done':
        break;
      default:
        this.#phase;
    }
  }
  #acceptVerb(lexer) {
    this.#word = lexer.word;
    this.#verb = this.#sql.slice(lexer.start, lexer.end).toUpperCase();
    switch (lexer.word) {
      case Word.Explain:
        // SQLite refuses EXPLAIN EXPLAIN, so the second one ends the head.
        this.#phase = this.#explained ? 'done' : 'explained';
        this.#explained = true;
        break;
      case Word.With:
        this.#phase = 'with';
        break;
      case Word.Create:
        this.#phase = 'create';
        break;
      case Word.Pragma:
        this.#phase = 'pragma name';
        break;
      default:
        this.#phase = 'done';
    }
  }
  /**
   * The verb after the common table expressions is the first token that directly follows a parenthesis at
   * the statement's own level and is neither AS (after a list of columns) nor a comma. A search for SELECT,
   * INSERT … would be misled by a table called `replace`.
   */
  #acceptWith(lexer, depth) {
    if (depth > 0) return;
    if (lexer.kind === TokenKind.RightParen) {
      this.#afterParen = true;
    } else if (this.#afterParen && lexer.kind !== TokenKind.Comma && lexer.word !== Word.As) {
      this.#word = lexer.word;
      this.#verb = this.#sql.slice(lexer.start, lexer.end).toUpperCase();
      this.#phase = 'done';
    } else {
      this.#afterParen = false;
    }
  }
}
function nameOf(sql, lexer) {
  const bare = lexer.kind !== TokenKind.QuotedName && lexer.kind !== TokenKind.String;
  const edge = bare ? 0 : 1;
  return sql.slice(lexer.start + edge, lexer.end - edge).toLowerCase();
}
