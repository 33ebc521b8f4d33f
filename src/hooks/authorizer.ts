import { AccessError } from '../errors.js';
import { LruCache } from '../lru-cache.js';
import type { AnalyzedStatement } from '../sql/statement.js';
import type { SqlValue } from '../values.js';
import type { AccessRules, StatementAccess } from './access-rules.js';
import type { Memory } from './decide.js';
import { deciding } from './lazy.js';
import type { SchemaSource } from './schema-map.js';

const REMEMBERED = 500;

const RULES = Symbol('rules');

/**
 * Refuses statements by rules. What a statement does is told by the bytecode that EXPLAIN gives for it, so that views,
 * triggers and quoted names hide nothing. It is asked for once per text and state of the schema. The authorizer of the
 * binding itself refuses BEGIN and can't be taken back (libsql 0.5.29).
 */
export class Authorizer {
  /** All must allow it; the outermost first. */
  readonly #rules: readonly AccessRules[];
  /** What is refused, by state of the schema and statement; null where nothing is. */
  readonly #memory: Memory = { decisions: new LruCache(REMEMBERED), schema: undefined };

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
    return this.#memory.decisions.get(`${state}\n${statement.text}`) === null;
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
    const { decide } = deciding.loaded ?? (await deciding.load());
    return await decide({ statement, values, source }, (access) => this.#allows(access), this.#memory);
  }

  #allows(access: StatementAccess): boolean {
    return this.#rules.every((rules) => rules.allows(access));
  }

  #refuse(access: StatementAccess, sql: string): void {
    if (!this.#allows(access)) throw new AccessError(access, sql);
  }
}

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
