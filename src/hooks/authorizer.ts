import { AccessError, BusyError, DatabaseError } from '../errors.js';
import { LruCache } from '../lru-cache.js';
import type { AnalyzedStatement } from '../sql/statement.js';
import type { SqlValue } from '../values.js';
import type { AccessRules, StatementAccess } from './access-rules.js';
import type { BytecodeAccess, Instruction } from './bytecode.js';
import { statementFacts } from './lazy.js';
import type { Answers, Question, SchemaMap, SchemaSource } from './schema-map.js';

/** What finds out about a statement. */
type Facts = NonNullable<typeof statementFacts.loaded>;

const REMEMBERED = 500;

const RULES = Symbol('rules');

const EXPLAIN = /^explain\s+(?:query\s+plan\s+)?/i;

/** How often a decision is begun again because the schema has changed meanwhile. */
const TRIES = 100;

/**
 * Refuses statements by rules. What a statement does is told by the bytecode that EXPLAIN gives for it, so that views,
 * triggers and quoted names hide nothing. It is asked for once per text and state of the schema. The authorizer of the
 * binding itself refuses BEGIN and can't be taken back (libsql 0.5.29).
 */
export class Authorizer {
  /** All must allow it; the outermost first. */
  readonly #rules: readonly AccessRules[];
  /** What is refused, by state of the schema and statement; null where nothing is. */
  readonly #decisions = new LruCache<string, StatementAccess | null>(REMEMBERED);
  #schema: { readonly state: string; readonly map: SchemaMap } | undefined;

  constructor(rules: AccessRules, outer: Authorizer | undefined) {
    this.#rules = [...(outer?.[RULES] ?? []), rules];
  }

  /** @internal */
  get [RULES](): readonly AccessRules[] {
    return this.#rules;
  }

  /**
   * Decides what can be decided by the text alone.
   *
   * @returns whether the schema must be asked as well
   * @throws {@link AccessError} when the statement would do what the rules do not allow
   */
  checkText(statement: AnalyzedStatement): boolean {
    const simple = simpleAccesses(statement);
    if (simple === undefined) return true;
    for (const access of simple) this.#refuse(access, statement.text);
    return false;
  }

  /** @throws {@link AccessError} when the pragma may not be used */
  checkPragma(name: string): void {
    for (const access of pragmaAccesses(name)) this.#refuse(access, `PRAGMA ${name}`);
  }

  /** Whether it is known that a statement may run in a state of the schema. */
  allowsIn(state: string, statement: AnalyzedStatement): boolean {
    return this.#decisions.get(`${state}\n${statement.text}`) === null;
  }

  /**
   * Decides by the schema.
   *
   * @param values - of the parameters, since which indexes are used can depend on them
   * @returns the state of the schema in which the statement may run
   * @throws {@link AccessError} when the statement would do what the rules do not allow
   */
  async decide(
    statement: AnalyzedStatement,
    values: readonly SqlValue[] | undefined,
    source: SchemaSource,
  ): Promise<string> {
    const facts = statementFacts.loaded ?? (await statementFacts.load());
    const { accessesOf, SCHEMA_QUESTIONS, toExplainable, toInstructions, toSchemaMap } = facts;
    const text = statement.verb === 'EXPLAIN' ? statement.text.replace(EXPLAIN, '') : statement.text;
    const explain = { sql: `EXPLAIN ${toExplainable(text)}`, values: values ?? nulls(statement) };
    let state: string | undefined;
    for (let tries = 0; tries < TRIES; tries++) {
      const known = this.#schema?.state === state && this.#schema?.map.knownByState === true;
      const questions = state === undefined ? [] : known ? [explain] : [explain, ...SCHEMA_QUESTIONS];
      const answers = await askAbout(statement, questions, source);
      const same = answers.state === state;
      state = answers.state;
      const key = `${state}\n${statement.text}`;
      let refused = this.#decisions.get(key);
      if (refused === undefined) {
        const [rows, ...schemaRows] = answers.rows ?? [];
        const instructions = rows && toInstructions(rows);
        if (instructions === undefined || (known && !same) || !isCompiledIn(state, instructions)) continue;
        const schema = known ? (this.#schema?.map as SchemaMap) : await toSchemaMap(schemaRows, source);
        this.#schema = { state, map: schema };
        const bytecode = accessesOf(instructions, schema);
        if (bytecode.unknown && known) {
          // What listens to changes makes temporary tables, of which the state says nothing.
          this.#schema = undefined;
          continue;
        }
        refused = this.#firstRefused(statement, text, { instructions, bytecode, facts }, schema) ?? null;
        const lasts = schema.knownByState && !this.#dependsOnValues(statement, bytecode, schema);
        if (lasts) this.#decisions.set(key, refused);
      }
      if (refused !== null) throw new AccessError(refused, statement.text);
      return state;
    }
    throw schemaUnsteady(statement.text);
  }

  #allows(access: StatementAccess): boolean {
    return this.#rules.every((rules) => rules.allows(access));
  }

  #refuse(access: StatementAccess, sql: string): void {
    if (!this.#allows(access)) throw new AccessError(access, sql);
  }

  #firstRefused(
    statement: AnalyzedStatement,
    text: string,
    {
      instructions,
      bytecode,
      facts: { functionAccesses, virtualAccesses },
    }: {
      readonly instructions: readonly Instruction[];
      readonly bytecode: BytecodeAccess;
      readonly facts: Facts;
    },
    schema: SchemaMap,
  ): StatementAccess | undefined {
    const changesSchema = SCHEMA_VERBS.has(statement.verb);
    // What a change of the schema does to the tables of SQLite itself is meant by `schema`, and no rule must name others.
    const accesses = changesSchema
      ? bytecode.accesses
          .filter(({ action, table }) => action === 'read' && !/^sqlite_/i.test(table ?? 'sqlite_'))
          .map((access) => ({ ...access, needs: undefined }))
      : [...bytecode.accesses];
    if (changesSchema) accesses.unshift({ action: 'schema', table: undefined });
    const ownCounter = !mentionsCounter(text, bytecode, schema);
    accesses.push(...virtualAccesses(statement, text, bytecode, schema), ...functionAccesses(instructions));
    return accesses.find((access) => !(ownCounter && access.table === COUNTER) && !this.#allows(access));
  }

  /**
   * Whether other values of the parameters could have an index used that may not be. SQLite looks at them for LIKE and
   * GLOB, and for indexes that have a WHERE or expressions.
   */
  #dependsOnValues(
    { parameters }: AnalyzedStatement,
    { accesses, patterns }: BytecodeAccess,
    { trees }: SchemaMap,
  ): boolean {
    if (parameters.count === 0) return false;
    const tables = new Set(accesses.map(({ table }) => table));
    return [...trees.values()].some(
      ({ index, special, table, sortedBy }) =>
        index &&
        (special || patterns) &&
        tables.has(table) &&
        sortedBy.some((column) => !this.#allows({ action: 'read', table, column })),
    );
  }
}

/** Whether the bytecode was made of the schemas whose versions are in a state; those of attached databases come last. */
function isCompiledIn(state: string, instructions: readonly Instruction[]): boolean {
  const [version, , , attached] = state.split(' ');
  const versions = [version, undefined, ...(attached?.split(',') ?? [])];
  return instructions.every(({ opcode, p1, p3 }) => {
    const expected = opcode === 'Transaction' ? versions[p1] : undefined;
    return expected === undefined || p3 === Number(expected);
  });
}

/** The schema changes faster than it can be asked for. */
export function schemaUnsteady(sql: string): BusyError {
  return new BusyError('the schema kept changing while the statement was checked against the rules', {
    ...{ code: 'SQLITE_BUSY', rawCode: 5, kind: 'busy', retryable: true, sql },
  });
}

/** A failure is that of the statement, which is the only one that can be at fault. */
async function askAbout(
  { text }: AnalyzedStatement,
  questions: readonly Question[],
  { ask }: SchemaSource,
): Promise<Answers> {
  try {
    return await ask(questions);
  } catch (error) {
    if (error instanceof DatabaseError) {
      error.sql = text;
      error.statementIndex = undefined;
    }
    throw error;
  }
}

function nulls({ parameters }: AnalyzedStatement): null[] {
  return new Array<null>(parameters.count).fill(null);
}

/** Where AUTOINCREMENT keeps its counters; an INSERT reads and writes them on its own. */
const COUNTER = 'sqlite_sequence';

function mentionsCounter(
  text: string,
  { programs }: BytecodeAccess,
  { triggers, views }: SchemaMap,
): boolean {
  const texts = [text, ...[...views.values()].flat(), ...(programs ? triggers : [])];
  return texts.some((one) => one.toLowerCase().includes(COUNTER));
}

const SCHEMA_VERBS: ReadonlySet<string> = new Set(['CREATE', 'DROP', 'ALTER', 'REINDEX', 'ANALYZE']);

/** They look at every table, and tell what is wrong with its rows. */
const CHECKS: ReadonlySet<string> = new Set(['foreign_key_check', 'integrity_check', 'quick_check']);

/** What a statement does whose bytecode need not be, or must not be, asked for; undefined for all others. */
function simpleAccesses({ kind, pragma, verb }: AnalyzedStatement): readonly StatementAccess[] | undefined {
  if (kind === 'transaction') return [];
  // Some pragmas act when they are compiled.
  if (pragma !== undefined) return pragmaAccesses(pragma);
  if (verb === 'ATTACH' || verb === 'DETACH') return [{ action: 'attach', table: undefined }];
  if (verb === 'VACUUM') return [{ action: 'vacuum', table: undefined }];
  return undefined;
}

function pragmaAccesses(name: string): readonly StatementAccess[] {
  const use: StatementAccess = { action: 'pragma', table: name };
  if (!CHECKS.has(name)) return [use];
  return [use, { action: 'read', table: undefined, everything: true, implied: true }];
}
