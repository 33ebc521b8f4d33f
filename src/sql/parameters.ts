import { isPlainObject } from '../realm.js';

/** The parameters of a statement, numbered as SQLite numbers them. */
export interface ParameterLayout {
  /** Number of parameter slots, as `sqlite3_bind_parameter_count()` gives it (the largest index). */
  readonly count: number;
  /**
   * Name of each slot by index (from 0) with its prefix (`:a`, `@a`, `$a`, `?5`; `#a` is one too), or null
   * for a plain `?`. A slot that no parameter uses (the second of `?1, ?3`) is undefined. `?005` is `?5`.
   */
  readonly names: readonly (string | null | undefined)[];
  /** Whether any slot has a name, one that starts with `:`, `@`, `$` or `#`. */
  readonly named: boolean;
  /** Whether a slot exists that no parameter uses. */
  readonly gaps: boolean;
  /** The first `?NNN` whose number SQLite refuses (0, or above 32766); it has no slot. Otherwise absent. */
  readonly invalid?: string;
}

/** What a caller may give as the parameters of a statement. */
export type StatementArguments = readonly unknown[] | Readonly<Record<string, unknown>> | undefined;

/** Outcome of {@link resolveArguments}: one value per slot, or why there is none. */
export type ResolvedArguments =
  | {
      readonly ok: true;
      /** One value per slot, in the order of the slots. May be the very array that was given. */
      readonly values: readonly unknown[];
    }
  | {
      readonly ok: false;
      /** What is wrong, without any value. */
      readonly problem: string;
      /** Where: the number of the slot from 1, or the name of the first parameter concerned. */
      readonly position?: number | string;
    };

const NO_VALUES: readonly unknown[] = Object.freeze([]);

/**
 * Puts the parameters that a caller gave into the order of a statement's slots and checks that none is
 * missing and none is too many. The values themselves are not looked at and never occur in a problem.
 *
 * - An array must have exactly one entry per slot. The entry of a slot that no parameter uses is ignored.
 * - A plain object serves a statement without plain `?`. Its keys are names with or without their prefix; a
 *   bare `a` feeds `:a`, `@a` and `$a` alike. Case matters, and only own properties count.
 *
 * @example
 * ```ts
 * import { resolveArguments } from './parameters.js';
 * import { analyze } from './statement.js';
 *
 * const [statement] = analyze('select :a, $b').statements;
 * resolveArguments(statement!.parameters, { $b: 2, a: 1 }); // { ok: true, values: [1, 2] }
 * resolveArguments(statement!.parameters, { a: 1 });
 * // { ok: false, problem: 'missing parameter(s): $b', position: '$b' }
 * ```
 */
export function resolveArguments(layout: ParameterLayout, args: StatementArguments): ResolvedArguments {
  if (Array.isArray(args)) return resolveArray(layout, args);
  if (args === undefined) {
    return layout.count === 0 ? { ok: true, values: NO_VALUES } : wrongCount(layout, 'none');
  }
  if (!isPlainObject(args)) {
    return { ok: false, problem: `parameters must be an array or a plain object, got ${typeName(args)}` };
  }
  return resolveObject(layout, args);
}

function resolveArray(layout: ParameterLayout, args: readonly unknown[]): ResolvedArguments {
  if (args.length !== layout.count) return wrongCount(layout, String(args.length));
  for (let i = 0; i < args.length; i++) {
    if (args[i] === undefined && !(i in args) && layout.names[i] !== undefined) {
      return { ok: false, problem: `parameter ${i + 1} is a hole in the array`, position: i + 1 };
    }
  }
  if (!layout.gaps) return { ok: true, values: args };
  // The engine would bind the entries of the gaps as well, so nothing that was given for them may reach it.
  return { ok: true, values: layout.names.map((name, i) => (name === undefined ? null : args[i])) };
}

function resolveObject(layout: ParameterLayout, args: Readonly<Record<string, unknown>>): ResolvedArguments {
  const plain = layout.names.indexOf(null);
  if (plain >= 0) {
    const problem = 'the statement has plain ? parameters: give them as an array, not as an object';
    return { ok: false, problem, position: plain + 1 };
  }
  const values: unknown[] = [];
  const known = new Set<string>();
  const missing: string[] = [];
  for (const name of layout.names) {
    if (name === undefined || name === null) {
      values.push(null);
      continue;
    }
    const bare = name.slice(1);
    known.add(name).add(bare);
    const withPrefix = Object.hasOwn(args, name);
    const withoutPrefix = Object.hasOwn(args, bare);
    if (withPrefix && withoutPrefix) {
      return {
        ok: false,
        problem: `parameter ${name} is given twice: as ${name} and as ${bare}`,
        position: name,
      };
    }
    if (!withPrefix && !withoutPrefix) missing.push(name);
    else values.push(args[withPrefix ? name : bare]);
  }
  const surplus = Object.keys(args).filter((key) => !known.has(key));
  if (missing.length === 0 && surplus.length === 0) return { ok: true, values };
  const problems: string[] = [];
  if (missing.length > 0) problems.push(`missing parameter(s): ${missing.join(', ')}`);
  if (surplus.length > 0) problems.push(`no such parameter(s) in the statement: ${surplus.join(', ')}`);
  // Both may apply: a misspelt name is missing under one spelling and surplus under the other.
  return { ok: false, problem: problems.join('; '), position: missing[0] ?? (surplus[0] as string) };
}

function wrongCount(layout: ParameterLayout, got: string): ResolvedArguments {
  return {
    ok: false,
    problem: `expected ${layout.count} parameter${layout.count === 1 ? '' : 's'}, got ${got}`,
  };
}

function typeName(value: unknown): string {
  if (value === null) return 'null';
  if (typeof value !== 'object') return typeof value;
  const { constructor } = value;
  return typeof constructor === 'function' && constructor.name !== '' ? constructor.name : 'object';
}
