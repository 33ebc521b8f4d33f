import type { Random } from './random.js';
import type { Step } from './statement.js';
import type { Value } from './values.js';

/** What one statement gave on one path. What the path does not tell is left out. */
export interface Outcome {
  readonly path: string;
  readonly columns?: readonly string[];
  readonly rows?: readonly unknown[];
  /** How a row is given: in order of its columns, or by their names, of which several may be the same. */
  readonly form?: 'array' | 'object' | 'last';
  /** Whether integers come as numbers where these are exact, whatever the mode: from a column of Drizzle. */
  readonly narrow?: boolean;
  /** Declared types of the columns, where values were decoded by them. */
  readonly types?: readonly string[];
  /** Whether only the first row was asked for. */
  readonly first?: boolean;
  readonly changes?: number;
  /** Of a path that tells it. */
  readonly rowid?: { readonly is: bigint | undefined };
  readonly error?: unknown;
}

/** What became of a step: of each statement that was run, and of the whole. */
export interface StepOutcome {
  readonly path: string;
  readonly outcomes: readonly Outcome[];
  readonly error?: unknown;
  /** Of a step that needs something the target does not have. */
  readonly left?: boolean;
}

/** An open target with a database that is its own. */
export interface Session {
  run(step: Step, random: Random): Promise<StepOutcome>;
  /** Rows of a query as arrays, with exact integers. */
  look(sql: string): Promise<unknown[][]>;
  close(): Promise<void>;
}

export type IntMode = 'number' | 'bigint' | 'string';

/** One way to a database. */
export interface Target {
  readonly name: string;
  readonly place: 'memory' | 'file' | 'http' | 'ws' | 'replica';
  readonly intMode: IntMode;
  readonly builder: 'core' | 'drizzle' | 'kysely';
  open(): Promise<Session>;
}

/** Runs something and gives its outcome. */
export async function outcomeOf(
  path: string,
  run: () => PromiseLike<Omit<Outcome, 'path'>>,
): Promise<Outcome> {
  try {
    return { path, ...(await run()) };
  } catch (error) {
    return { path, error };
  }
}

/** A result of the core as an outcome. */
export function ofResult(result: {
  readonly columns: readonly string[];
  readonly rows: readonly unknown[];
  readonly rowsAffected: number;
  readonly lastInsertRowid: bigint | undefined;
}): Omit<Outcome, 'path'> {
  const { columns, rows, rowsAffected: changes, lastInsertRowid } = result;
  return { columns, rows, form: 'object', changes, rowid: { is: lastInsertRowid } };
}

/** The rows that a query of a dump gives, for any value that a target may give. */
export type Rows = readonly (readonly Value[])[];
