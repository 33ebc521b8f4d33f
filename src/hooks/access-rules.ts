import { ConfigError } from '../errors.js';

/**
 * What a statement does. `schema`: CREATE, DROP, ALTER, REINDEX and ANALYZE; `attach`: ATTACH and DETACH. Of a PRAGMA the
 * table is its name. `function`: it calls a function that is not one of SQLite's and libSQL's documented harmless ones, of
 * which the table is the name.
 */
export type AccessAction =
  | 'read'
  | 'insert'
  | 'update'
  | 'delete'
  | 'schema'
  | 'pragma'
  | 'attach'
  | 'vacuum'
  | 'function';

/**
 * A rule of {@link Database.restricted}. What is left out matches everything. Names are compared without regard to case;
 * in a pattern `*` stands for any characters and `?` for one.
 */
export interface AccessRule {
  /** What becomes of what the rule matches. */
  readonly effect: 'allow' | 'deny';
  /** @default all but `function`, which a rule must name */
  readonly actions?: readonly AccessAction[];
  /**
   * Patterns of tables, virtual tables, pragmas or functions. Views are not looked at, but the tables that they show. A rule
   * that allows must name virtual tables, and name those of the engine (`sqlite_*`) by their prefix at least.
   */
  readonly tables?: readonly string[];
  /** Patterns of columns; only for a rule about `read` alone. */
  readonly columns?: readonly string[];
}

/** Something that a statement does. */
export interface StatementAccess {
  readonly action: AccessAction;
  /** Undefined where the action concerns no single table, or an unknown one. */
  readonly table: string | undefined;
  /** A column that is read; undefined for the mere fact that the table is looked at. */
  readonly column?: string | undefined;
  /** Whether every column may be read. */
  readonly everything?: boolean;
  /**
   * What a rule needs in order to allow it: any pattern of tables, or one that spells the name, since what it shows is of
   * many tables.
   */
  readonly needs?: 'pattern' | 'name' | undefined;
  /** Whether it shows no value, only which is first or whether it exists. Only a rule that denies refuses that. */
  readonly implied?: boolean;
}

const USUAL_ACTIONS: readonly AccessAction[] = [
  ...(['read', 'insert', 'update', 'delete', 'schema', 'pragma', 'attach', 'vacuum'] as const),
];
const ACTIONS: readonly AccessAction[] = [...USUAL_ACTIONS, 'function'];

interface CompiledRule {
  readonly allow: boolean;
  readonly actions: ReadonlySet<AccessAction>;
  /** Undefined for all. */
  readonly tables: RegExp | undefined;
  readonly globs: readonly string[];
  readonly columns: RegExp | undefined;
}

/** Decides by the first rule that matches; what none matches is refused. */
export class AccessRules {
  readonly #rules: readonly CompiledRule[];

  /** @throws {@link ConfigError} when they are no rules */
  constructor(rules: readonly AccessRule[]) {
    if (!Array.isArray(rules)) throw new ConfigError('rules', 'expected an array of rules');
    this.#rules = rules.map((rule, index) => compile(rule, `rules[${index}]`));
  }

  allows(access: StatementAccess): boolean {
    for (const rule of this.#rules) {
      if (!rule.actions.has(access.action)) continue;
      if (!matchesTable(rule, access)) continue;
      if (rule.columns !== undefined && !matchesColumn(rule.columns, rule.allow, access)) continue;
      return rule.allow;
    }
    return access.implied === true;
  }
}

/** An unknown table may be any, so what denies one denies it, and what allows one does not allow it. */
function matchesTable({ allow, tables, globs }: CompiledRule, { table, needs }: StatementAccess): boolean {
  if (tables === undefined) return !allow || needs === undefined;
  if (table === undefined) return !allow;
  if (!tables.test(table)) return false;
  return !allow || needs !== 'name' || globs.some((glob) => spells(glob, table));
}

/** Of the engine's tables the prefix must be spelled (`sqlite_`), of what else shows many tables the whole name. */
const PREFIX = /^(?:sqlite|libsql|pragma)_/i;

function spells(glob: string, name: string): boolean {
  const [spelled = ''] = glob.split(/[*?]/, 1);
  const [prefix = name] = PREFIX.exec(name) ?? [];
  return spelled.toLowerCase().startsWith(prefix.toLowerCase());
}

/** A table of which some columns may be read may be looked at, and one of which some may not can't be read as a whole. */
function matchesColumn(pattern: RegExp, allow: boolean, { column, everything }: StatementAccess): boolean {
  if (everything) return !allow;
  return column === undefined ? allow : pattern.test(column);
}

function compile(rule: AccessRule, key: string): CompiledRule {
  if (typeof rule !== 'object' || rule === null) throw new ConfigError(key, 'expected a rule');
  const { effect, actions = USUAL_ACTIONS, tables, columns, ...others } = rule;
  if (effect !== 'allow' && effect !== 'deny')
    throw new ConfigError(`${key}.effect`, "expected 'allow' or 'deny'");
  const [unknown] = Object.keys(others);
  if (unknown !== undefined) throw new ConfigError(`${key}.${unknown}`, 'unknown key');
  if (!Array.isArray(actions) || !actions.every((action) => ACTIONS.includes(action))) {
    throw new ConfigError(`${key}.actions`, `expected an array of ${ACTIONS.join(', ')}`);
  }
  if (columns !== undefined && (actions.length !== 1 || actions[0] !== 'read')) {
    throw new ConfigError(
      `${key}.columns`,
      "needs actions: ['read']; what is written can only be told by table",
    );
  }
  return {
    allow: effect === 'allow',
    actions: new Set(actions),
    tables: patterns(tables, `${key}.tables`),
    globs: tables ?? [],
    columns: patterns(columns, `${key}.columns`),
  };
}

function patterns(globs: readonly string[] | undefined, key: string): RegExp | undefined {
  if (globs === undefined) return undefined;
  if (!Array.isArray(globs) || !globs.every((glob) => typeof glob === 'string')) {
    throw new ConfigError(key, 'expected an array of patterns');
  }
  const sources = globs.map((glob) =>
    glob
      .replace(/[\\^$.|+()[\]{}]/g, '\\$&')
      .replaceAll('*', '.*')
      .replaceAll('?', '.'),
  );
  return new RegExp(`^(?:${sources.join('|')})$`, 'isu');
}
