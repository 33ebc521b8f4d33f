import type { Random } from './random.js';
import type { Value } from './values.js';

/** One statement with its parameters, the same for SQLite itself and for every target. */
export interface Statement {
  readonly sql: string;
  readonly args: readonly Value[] | Readonly<Record<string, Value>>;
}

/** A query that Drizzle and Kysely build themselves; what they compile is what SQLite itself is asked. */
export type BuilderQuery =
  | {
      readonly op: 'select';
      readonly table: string;
      readonly columns: readonly string[];
      readonly where: readonly (readonly [column: string, operator: Operator, value: Value])[];
      readonly orderBy: readonly string[];
      readonly limit: number | undefined;
      readonly join: { readonly table: string; readonly left: string; readonly right: string } | undefined;
    }
  | {
      readonly op: 'insert';
      readonly table: string;
      readonly columns: readonly string[];
      readonly rows: readonly (readonly Value[])[];
      readonly conflict: 'none' | 'nothing' | readonly string[];
      readonly returning: boolean;
    }
  | {
      readonly op: 'update' | 'delete';
      readonly table: string;
      readonly columns: readonly string[];
      readonly values: readonly Value[];
      readonly where: readonly (readonly [column: string, operator: Operator, value: Value])[];
      readonly returning: boolean;
    };

export type Operator = '=' | '<>' | '<' | '>=';

/**
 * What happens at a time. `single`: a statement on its own. `batch`, `script`, `transaction`: several; a transaction
 * goes on after a failure, and is undone at its end if `undo` says so. `nested`: the statements from `from` are
 * a transaction in the transaction. `elsewhere`: another connection runs it. `migrate`: statements of a migration.
 */
export type Step =
  | { readonly id: number; readonly mode: 'single'; readonly statements: readonly [Statement] }
  | { readonly id: number; readonly mode: 'elsewhere'; readonly statements: readonly [Statement] }
  | {
      readonly id: number;
      readonly mode: 'batch' | 'script' | 'migrate';
      readonly statements: readonly Statement[];
    }
  | {
      readonly id: number;
      readonly mode: 'transaction';
      readonly statements: readonly Statement[];
      readonly undo: boolean;
      readonly nestedFrom: number | undefined;
    }
  | {
      readonly id: number;
      readonly mode: 'many';
      readonly table: string;
      readonly columns: readonly string[];
      readonly rows: readonly (readonly Value[])[];
      readonly batchSize: number;
    }
  | { readonly id: number; readonly mode: 'built'; readonly query: BuilderQuery };

/** A schema with rows, and what happens to it. */
export interface Case {
  readonly seed: number;
  readonly setup: readonly Statement[];
  readonly steps: readonly Step[];
}

const MARK = '\u0001';

/**
 * Collects the values of a statement while its text is put together in any order; `finish` gives each its place.
 */
export class Values {
  readonly #random: Random;
  readonly #values: Value[] = [];
  /** Whether every value becomes a literal. */
  readonly literal: boolean;

  constructor(random: Random, literal: boolean) {
    this.#random = random;
    this.literal = literal;
  }

  /** A place for the value in the text. */
  add(value: Value): string {
    this.#values.push(value);
    return `${MARK}${this.#values.length - 1}${MARK}`;
  }

  finish(text: string): Statement {
    const pieces = text.split(MARK);
    if (this.literal) {
      const sql = pieces.map((piece, i) =>
        i % 2 === 0 ? piece : literalOf(this.#values[Number(piece)] as Value),
      );
      return { sql: sql.join(''), args: [] };
    }
    const style = this.#random.pick(['?', '?', '?', '?1', ':', '@', '$'] as const);
    const used: Value[] = [];
    const places = pieces.map((piece, i) => {
      if (i % 2 === 0) return piece;
      used.push(this.#values[Number(piece)] as Value);
      if (style === '?') return '?';
      return style === '?1' ? `?${used.length}` : `${style}p${used.length}`;
    });
    const named = style !== '?' && style !== '?1' && used.length > 0;
    const args = named ? Object.fromEntries(used.map((value, i) => [`p${i + 1}`, value])) : used;
    return { sql: places.join(''), args };
  }
}

/** A value as SQL text; `null` as NULL. */
export function literalOf(value: Value): string {
  if (value === null) return 'NULL';
  if (typeof value === 'string') return `'${value.replaceAll("'", "''")}'`;
  if (value instanceof Uint8Array) return `x'${Buffer.from(value).toString('hex')}'`;
  // 9223372036854775808 alone is a REAL, so the least integer can't be written with a sign.
  if (value === -(2n ** 63n)) return '(-9223372036854775807 - 1)';
  return String(value);
}
