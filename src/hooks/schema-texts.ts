import { Lexer, TokenKind } from '../sql/lexer.js';

/** A token of a text, as far as it matters for finding names. */
interface Token {
  readonly kind: TokenKind;
  /** What it names, in lower case; undefined for what can't be a name. */
  readonly name: string | undefined;
  /** How many parentheses are open around it. */
  readonly depth: number;
}

/** The virtual table that a `CREATE VIRTUAL TABLE` makes. */
export interface VirtualDefinition {
  /** In lower case. */
  readonly module: string;
  /** Lower-case names that may be tables whose rows it shows. */
  readonly sources: readonly string[];
}

/** They have rows of their own, so their arguments name columns and no tables, `content=` apart. */
const OWN_ROWS: ReadonlySet<string> = new Set([
  'fts3',
  'fts4',
  'fts5',
  'rtree',
  'rtree_i32',
  'geopoly',
  'vec0',
]);

/** Whether nothing is known of a module, so that tables named like a virtual table of it may belong to that. */
export function isUnknownModule(module: string): boolean {
  return !OWN_ROWS.has(module) && module !== 'fts5vocab' && module !== 'fts4aux';
}

/** Every name in a text, in lower case, and every string, which SQLite takes for a name where one is expected. */
export function namesIn(sql: string): Set<string> {
  const names = new Set<string>();
  for (const { name } of tokensOf(sql)) if (name !== undefined) names.add(name);
  return names;
}

/** What is said after `USING` in a `CREATE VIRTUAL TABLE`. */
export function virtualDefinition(sql: string): VirtualDefinition {
  const tokens = tokensOf(sql);
  const using = tokens.findIndex(({ kind, name }) => kind === TokenKind.Word && name === 'using');
  const module = tokens[using + 1]?.name ?? '';
  const args = tokens.slice(using + 2);
  if (!OWN_ROWS.has(module)) return { module, sources: named(args) };
  // FTS5 takes the beginning of an option for it.
  const content = args.flatMap(({ name }, i) =>
    name !== undefined && 'content'.startsWith(name) && args[i + 1]?.kind === TokenKind.Equals
      ? args.slice(i + 2, i + 3)
      : [],
  );
  return { module, sources: named(content) };
}

/** The columns that each generated column of a `CREATE TABLE` is made of, as far as its text shows; in lower case. */
export function generatedColumns(sql: string): Map<string, readonly string[]> {
  const found = new Map<string, readonly string[]>();
  const tokens = tokensOf(sql);
  let first: string | undefined;
  for (const [i, { kind, name, depth }] of tokens.entries()) {
    const before = tokens[i - 1];
    const opens = kind === TokenKind.LeftParen;
    if (depth === 1 && before !== undefined && (startsColumns(before) || before.kind === TokenKind.Comma))
      first = name;
    if (!opens || depth !== 1 || before?.name !== 'as' || first === undefined) continue;
    const end = tokens.findIndex(
      (token, at) => at > i && token.kind === TokenKind.RightParen && token.depth === 1,
    );
    found.set(first, named(tokens.slice(i, end < 0 ? undefined : end)));
  }
  return found;
}

/** The indexes that are named as texts in calls of `vector_top_k`, in lower case; undefined where one may be any. */
export function topKIndexes(sql: string): readonly string[] | undefined {
  const tokens = tokensOf(sql);
  const indexes: string[] = [];
  for (const [i, { name }] of tokens.entries()) {
    if (name !== 'vector_top_k') continue;
    const [open, index, comma] = tokens.slice(i + 1, i + 4);
    const literal = open?.kind === TokenKind.LeftParen && index?.kind === TokenKind.String;
    if (!literal || comma?.kind !== TokenKind.Comma || index.name === undefined) return undefined;
    indexes.push(index.name);
  }
  return indexes;
}

function startsColumns({ kind, depth }: Token): boolean {
  return kind === TokenKind.LeftParen && depth === 0;
}

function named(tokens: readonly Token[]): string[] {
  return tokens.flatMap(({ name }) => name ?? []);
}

function tokensOf(sql: string): Token[] {
  const tokens: Token[] = [];
  const lexer = new Lexer(sql);
  let depth = 0;
  for (let kind = lexer.next(); kind !== TokenKind.End; kind = lexer.next()) {
    if (kind === TokenKind.RightParen) depth--;
    tokens.push({ kind, depth, name: nameOf(sql.slice(lexer.start, lexer.end), kind) });
    if (kind === TokenKind.LeftParen) depth++;
  }
  return tokens;
}

function nameOf(text: string, kind: TokenKind): string | undefined {
  if (kind === TokenKind.Word) return text.toLowerCase();
  if (kind !== TokenKind.QuotedName && kind !== TokenKind.String) return undefined;
  const quote = text.charAt(0);
  const name = text.slice(1, -1);
  return (quote === '[' ? name : name.replaceAll(`${quote}${quote}`, quote)).toLowerCase();
}
