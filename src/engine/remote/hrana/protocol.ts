import type { SqlValue } from '../../../values.js';

/**
 * The protocol of libSQL servers, Hrana, in versions 2 and 3:
 * https://github.com/tursodatabase/libsql/blob/main/docs/HRANA_3_SPEC.md. What both transports share.
 */

/** A statement as it is sent. */
export interface Step {
  readonly sql: string;
  readonly args: readonly SqlValue[];
  /** Names of the values, with their prefix; without them the values go by position. */
  readonly names?: readonly (string | undefined)[] | undefined;
  /** Whether its rows are wanted. */
  readonly rows: boolean;
  /** Give every INTEGER as bigint; otherwise only those outside the safe range. */
  readonly exact: boolean;
  /** Whether it changes nothing, so that it may be run twice. */
  readonly reads?: boolean;
  /** The table that an INSERT names, where its rowid is wanted. */
  readonly into?: string | undefined;
}

/** What must hold for a step of a batch to run. */
export type Condition =
  /** An earlier step has succeeded, or has not. */
  | { readonly type: 'ok' | 'not ok'; readonly step: number }
  /** A transaction is open. Version 3; an older server does not ask. */
  | { readonly type: 'in_transaction' };

/** A step of a batch. */
export interface BatchStep {
  readonly step: Step;
  /** All of them must hold. */
  readonly conditions: readonly Condition[];
}

/** A result column. */
export interface ResultColumn {
  readonly name: string;
  /** Declared type as written in the schema, `''` for an expression. */
  readonly type: string;
}

/** What a statement gave. */
export interface StepResult {
  readonly columns: readonly ResultColumn[];
  readonly rows: SqlValue[][];
  readonly rowsAffected: number;
  /** The rowid that the connection inserted last. */
  readonly lastInsertRowid: bigint | undefined;
  /** Whether an earlier statement of the stream may have inserted it. */
  rowidRepeated?: boolean;
}

/** What became of a step of a batch: a result, a failure, or undefined where its condition did not hold. */
export type StepOutcome = StepResult | Error | undefined;

/** A part of the answer of a cursor, in order. */
export type CursorEntry =
  | { readonly type: 'begin'; readonly step: number; readonly columns: readonly ResultColumn[] }
  | { readonly type: 'row'; readonly row: SqlValue[] }
  | { readonly type: 'end'; readonly rowsAffected: number }
  | { readonly type: 'error'; readonly step: number | undefined; readonly error: Error };

/** An open cursor of the server. */
export interface EntrySource {
  /** The next entries; undefined at the end. `wanted` is how many are useful at once. */
  next(wanted: number): Promise<CursorEntry[] | undefined>;
  /** Frees what the server holds for it; may be called at any time, more than once. */
  close(): void;
}

/** A connection that the server keeps for us. One call at a time. */
export interface HranaStream {
  /** Version of the protocol. */
  readonly version: number;
  /** Whether it can still be used. */
  readonly open: boolean;
  /** Whether {@link close} keeps a clean one for another use, so that it should not be ended by its last call. */
  readonly reusable: boolean;
  /**
   * Runs one statement.
   *
   * @param last - ends the stream with the same message
   */
  execute(step: Step, last?: boolean): Promise<StepResult>;
  /** Runs steps in one message, each if its condition holds. */
  batch(steps: readonly BatchStep[], last?: boolean): Promise<StepOutcome[]>;
  /** The columns of a statement, which is not run. */
  describe(sql: string, last?: boolean): Promise<ResultColumn[]>;
  /** Whether no transaction is open. Version 3. */
  isAutocommit(): Promise<boolean>;
  /** Runs steps whose answer is read piece by piece. Version 3. */
  openCursor(steps: readonly BatchStep[]): Promise<EntrySource>;
  /**
   * Ends it, however its last call went; an open transaction is rolled back by the server. Calling it twice is fine.
   *
   * @param clean - whether nothing of its state can be seen by what runs on it next, so that it may be used again
   */
  close(clean?: boolean): void;
}

/** Version of the protocol in which the server checks that a transaction is open, and has cursors. */
export const CURRENT_VERSION = 3;

/** A failure that the server told in the protocol. */
export class ServerError extends Error {
  /** Code of the server or of SQLite, `''` where there is none. */
  readonly code: string;

  constructor(message: string, code: string) {
    super(message);
    this.code = code;
  }
}
