import { orAborted } from '../database/abort.js';
import { after } from '../database/after.js';
import type { MaybePromise } from '../engine/engine.js';
import { AccessError, DatabaseError, InterruptedError } from '../errors.js';
import { LruCache } from '../lru-cache.js';
import { Lexer, TokenKind } from '../sql/lexer.js';
import type { AnalyzedStatement } from '../sql/statement.js';
import type { SqlValue } from '../values.js';
import type { AccessAction, AccessRules, StatementAccess } from './access-rules.js';
import { accessesOf, type BytecodeAccess } from './bytecode.js';
import { functionAccesses } from './function-access.js';
import { type Inspect, loadSchemaMap, type SchemaMap, type SchemaSource } from './schema-map.js';

const REMEMBERED = 500;
const EXPLAIN = /^explain\s+(?:query\s+plan\s+)?/i;

/**
 * Refuses statements by rules. What a statement does is told by the bytecode that EXPLAIN gives for it, so that views,
 * triggers and quoted names hide nothing. It is asked for once per text and state of the schema. The authorizer of the
 * binding itself refuses BEGIN and can't be taken back (libsql 0.5.29).
 */
export class Authorizer {
  readonly #rules: AccessRules;
  /** Whose rules must allow it as well. */
  readonly #outer: Authorizer | undefined;
  /** What is refused, by state of the schema and statement; null where nothing is. */
  readonly #decisions = new LruCache<string, StatementAccess | null>(REMEMBERED);
  #schema: { readonly state: string; readonly map: Promise<SchemaMap> } | undefined;

  constructor(rules: AccessRules, outer: Authorizer | undefined) {
    this.#rules = rules;
    this.#outer = outer;
  }

  /** @throws {@link AccessError} when the statement would do what the rules do not allow */
  check(statement: AnalyzedStatement, source: SchemaSource): MaybePromise<void> {
    if (this.#outer === undefined) return this.#check(statement, source);
    return after(this.#outer.check(statement, source), () => this.#check(statement, source));
  }

  /** @throws {@link AccessError} when the pragma may not be used */
  checkPragma(name: string): void {
    this.#outer?.checkPragma(name);
    this.#refuse({ action: 'pragma', table: name }, `PRAGMA ${name}`);
  }

  #check(statement: AnalyzedStatement, source: SchemaSource): MaybePromise<void> {
    const simple = simpleAccess(statement);
    if (simple === 'none') return;
    if (simple !== undefined) return this.#refuse(simple, statement.text);
    return after(source.state(), (state) => {
      const refused = this.#decisions.get(`${state}\n${statement.text}`);
      if (refused === undefined) return this.#decide(statement, source, state);
      if (refused !== null) throw new AccessError(refused, statement.text);
      return undefined;
    });
  }

  #refuse(access: StatementAccess, sql: string): void {
    if (!this.#rules.allows(access)) throw new AccessError(access, sql);
  }

  async #decide(statement: AnalyzedStatement, source: SchemaSource, before: string): Promise<void> {
    const text = statement.verb === 'EXPLAIN' ? statement.text.replace(EXPLAIN, '') : statement.text;
    for (let state = before; ; ) {
      const schema = await this.#schemaAt(state, source);
      const rows = await explain(source.inspect, text, statement);
      const now = await source.state();
      // The schema has changed between the questions, so the answers may not belong together.
      if (now !== state) {
        state = now;
        continue;
      }
      const refused = this.#firstRefused(statement, text, rows, schema);
      if (schema.knownByState) this.#decisions.set(`${state}\n${statement.text}`, refused ?? null);
      else this.#schema = undefined;
      if (refused !== undefined) throw new AccessError(refused, statement.text);
      return;
    }
  }

  /** The schema is read once for all who ask meanwhile, each with an abort of its own. */
  async #schemaAt(state: string, { inspect, abort }: SchemaSource): Promise<SchemaMap> {
    for (;;) {
      const shared = this.#schema?.state === state ? this.#schema : undefined;
      const schema = shared ?? { state, map: loadSchemaMap(inspect) };
      this.#schema = schema;
      try {
        return await (abort === undefined ? schema.map : orAborted(schema.map, abort));
      } catch (error) {
        // Those who did not begin to read it leave it to the others.
        if (shared !== undefined) abort?.throwIfAborted();
        if (this.#schema === schema) this.#schema = undefined;
        // The abort of whoever began to read it is no failure for the others.
        if (shared === undefined || !isAbort(error)) throw error;
      }
    }
  }

  #firstRefused(
    statement: AnalyzedStatement,
    text: string,
    rows: readonly SqlValue[][],
    schema: SchemaMap,
  ): StatementAccess | undefined {
    const bytecode = accessesOf(rows, schema);
    const changesSchema = SCHEMA_VERBS.has(statement.verb);
    // What a change of the schema does to the tables of SQLite itself is meant by `schema`.
    const accesses = bytecode.accesses.filter(
      ({ action, table }) => !changesSchema || (action === 'read' && !/^sqlite_/i.test(table ?? 'sqlite_')),
    );
    if (changesSchema) accesses.unshift({ action: 'schema', table: undefined });
    const ownCounter = !mentionsCounter(text, bytecode, schema);
    accesses.push(...virtualAccesses(statement, text, bytecode, schema), ...functionAccesses(rows));
    return accesses.find(
      (access) => !(ownCounter && access.table === COUNTER) && !this.#rules.allows(access),
    );
  }
}

function isAbort(error: unknown): boolean {
  return error instanceof InterruptedError && (error.code === 'TIMEOUT' || error.code === 'ABORTED');
}

async function explain(
  inspect: Inspect,
  text: string,
  { parameters, text: original }: AnalyzedStatement,
): Promise<SqlValue[][]> {
  try {
    return await inspect(`EXPLAIN ${text}`, parameters.count);
  } catch (error) {
    if (error instanceof DatabaseError) error.sql = original;
    throw error;
  }
}

/** Where AUTOINCREMENT keeps its counters; an INSERT reads and writes them on its own. */
const COUNTER = 'sqlite_sequence';

function mentionsCounter(
  text: string,
  { programs }: BytecodeAccess,
  { triggers, views }: SchemaMap,
): boolean {
  const texts = [text, ...views.values(), ...(programs ? triggers : [])];
  return texts.some((one) => one.toLowerCase().includes(COUNTER));
}

const SCHEMA_VERBS: ReadonlySet<string> = new Set(['CREATE', 'DROP', 'ALTER', 'REINDEX', 'ANALYZE']);

/** What a statement does whose bytecode need not be, or must not be, asked for. */
function simpleAccess({ kind, pragma, verb }: AnalyzedStatement): StatementAccess | 'none' | undefined {
  if (kind === 'transaction') return 'none';
  // Some pragmas act when they are compiled.
  if (pragma !== undefined) return { action: 'pragma', table: pragma };
  if (verb === 'ATTACH' || verb === 'DETACH') return { action: 'attach', table: undefined };
  if (verb === 'VACUUM') return { action: 'vacuum', table: undefined };
  return undefined;
}

/**
 * The bytecode does not name virtual tables, so all count that are named in the statement, in a view that it may show, or
 * in a trigger if it fires one.
 */
function virtualAccesses(
  { verb }: AnalyzedStatement,
  text: string,
  { readsVirtual, writesVirtual, programs }: BytecodeAccess,
  schema: SchemaMap,
): StatementAccess[] {
  if (!readsVirtual && !writesVirtual) return [];
  const names = namesIn(text);
  if (programs) for (const trigger of schema.triggers) addAll(names, namesIn(trigger));
  for (const name of names) {
    // What is added is iterated over as well, so views of views are found.
    const view = schema.views.get(name);
    if (view !== undefined) addAll(names, namesIn(view));
  }
  const tables = [...names].flatMap(
    (name) => schema.virtual.get(name) ?? (name.startsWith('pragma_') ? name : []),
  );
  if (tables.length === 0) return [{ action: 'read', table: undefined, everything: true }];
  return tables.flatMap((table): StatementAccess[] => [
    ...(readsVirtual ? [{ action: 'read', table, everything: true } as const] : []),
    ...(writesVirtual ? writeActions(verb, programs).map((action) => ({ action, table })) : []),
  ]);
}

/** How a virtual table is written: as the statement says, unless a trigger may do it. */
function writeActions(verb: string, programs: boolean): readonly AccessAction[] {
  if (programs) return ['insert', 'update', 'delete'];
  return [verb === 'UPDATE' ? 'update' : verb === 'DELETE' ? 'delete' : 'insert'];
}

/** Every name in a text, in lower case, and every string, which SQLite takes for a name where one is expected. */
function namesIn(sql: string): Set<string> {
  const names = new Set<string>();
  const lexer = new Lexer(sql);
  for (let kind = lexer.next(); kind !== TokenKind.End; kind = lexer.next()) {
    const quoted = kind === TokenKind.QuotedName || kind === TokenKind.String;
    if (!quoted && kind !== TokenKind.Word) continue;
    const edge = quoted ? 1 : 0;
    const quote = quoted ? sql[lexer.start] : '';
    const name = sql.slice(lexer.start + edge, lexer.end - edge);
    names.add(
      (quote === '' || quote === '['
        ? name
        : name.replaceAll(`${quote}${quote}`, String(quote))
      ).toLowerCase(),
    );
  }
  return names;
}

function addAll(to: Set<string>, from: ReadonlySet<string>): void {
  for (const name of from) to.add(name);
}
