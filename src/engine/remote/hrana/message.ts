import { protocolError } from '../../../errors.js';
import type { SqlValue } from '../../../values.js';
import {
  type BatchStep,
  type Condition,
  CURRENT_VERSION,
  type CursorEntry,
  type ResultColumn,
  ServerError,
  type Step,
  type StepOutcome,
  type StepResult,
} from './protocol.js';
import { decodeInteger, decodeRow, encodeValue } from './value.js';

/** Gives the number of a text that the server has stored, or undefined to send the text. */
export type TextNumber = (sql: string) => number | undefined;

const NO_COLUMNS: readonly ResultColumn[] = Object.freeze([]);

/** A statement as JSON text. @param more - further members, each after a comma */
export function encodeStep({ sql, args, names, rows }: Step, numberOf: TextNumber, more = ''): string {
  const number = numberOf(sql);
  const text = number === undefined ? `"sql":${JSON.stringify(sql)}` : `"sql_id":${number}`;
  return `{${text},${encodeArguments(args, names)}"want_rows":${rows}${more}}`;
}

function encodeArguments(args: readonly SqlValue[], names: Step['names']): string {
  if (args.length === 0) return '';
  if (names === undefined) return `"args":[${args.map(encodeValue).join(',')}],`;
  const named: string[] = [];
  for (const [i, name] of names.entries()) {
    // A slot that no parameter uses has no name, and takes no value.
    if (name === undefined) continue;
    named.push(`{"name":${JSON.stringify(name)},"value":${encodeValue(args[i] ?? null)}}`);
  }
  return `"named_args":[${named.join(',')}],`;
}

/**
 * A batch as JSON text.
 *
 * @param version - of the protocol; before 3 it can't ask for the state of the transaction
 * @param more - further members, each after a comma
 */
export function encodeBatch(
  steps: readonly BatchStep[],
  numberOf: TextNumber,
  version: number,
  more = '',
): string {
  const encoded = steps.map(({ step, conditions }) => {
    const known = conditions.filter(({ type }) => version >= CURRENT_VERSION || type !== 'in_transaction');
    return `{${encodeConditions(known)}"stmt":${encodeStep(step, numberOf)}}`;
  });
  return `{"steps":[${encoded.join(',')}]${more}}`;
}

function encodeConditions(conditions: readonly Condition[]): string {
  const encoded = conditions.map((condition) => {
    if (condition.type === 'in_transaction') return '{"type":"not","cond":{"type":"is_autocommit"}}';
    const succeeded = `{"type":"ok","step":${condition.step}}`;
    return condition.type === 'ok' ? succeeded : `{"type":"not","cond":${succeeded}}`;
  });
  if (encoded.length === 0) return '';
  if (encoded.length === 1) return `"condition":${encoded[0]},`;
  return `"condition":{"type":"and","conds":[${encoded.join(',')}]},`;
}

/** @throws {@link ProtocolError} when it is no result of a statement */
export function decodeResult(wire: unknown, exact: boolean): StepResult {
  const { cols, rows, affected_row_count, last_insert_rowid } = asObject(wire, 'a result');
  const columns = decodeColumns(cols);
  if (!Array.isArray(rows)) throw protocolError('a result has no rows');
  const width = columns.length;
  const name = (index: number): string => columns[index]?.name ?? '';
  const decoded = new Array<SqlValue[]>(rows.length);
  for (let i = 0; i < rows.length; i++) decoded[i] = decodeRow(rows[i], width, exact, name, i + 1);
  return {
    columns,
    rows: decoded,
    rowsAffected: decodeCount(affected_row_count),
    lastInsertRowid: decodeRowid(last_insert_rowid),
  };
}

function decodeCount(affected: unknown): number {
  if (Number.isSafeInteger(affected) && (affected as number) >= 0) return affected as number;
  throw protocolError('the number of affected rows is missing');
}

function decodeRowid(rowid: unknown): bigint | undefined {
  return rowid === null || rowid === undefined ? undefined : (decodeInteger(rowid, true) as bigint);
}

/** @throws {@link ProtocolError} when it is no list of columns */
export function decodeColumns(wire: unknown): readonly ResultColumn[] {
  if (!Array.isArray(wire)) throw protocolError('a result has no columns');
  if (wire.length === 0) return NO_COLUMNS;
  return wire.map((column: unknown) => {
    const { name, decltype } = asObject(column, 'a column');
    return { name: textOf(name, 'the name of a column'), type: textOf(decltype, 'the type of a column') };
  });
}

/** What became of each step, @throws {@link ProtocolError} when it is no result of this batch */
export function decodeBatch(wire: unknown, steps: readonly BatchStep[]): StepOutcome[] {
  const { step_results, step_errors } = asObject(wire, 'a result of a batch');
  if (!isListOf(step_results, steps.length) || !isListOf(step_errors, steps.length)) {
    throw protocolError('a batch has another number of results than of statements');
  }
  return steps.map(({ step }, i) => {
    const result: unknown = step_results[i];
    const error: unknown = step_errors[i];
    if (error !== null && error !== undefined) return decodeError(error);
    return result === null || result === undefined ? undefined : decodeOrFail(result, step.exact);
  });
}

/** A value that can't be given concerns its own statement, and no other one of the batch. */
function decodeOrFail(result: unknown, exact: boolean): StepResult | Error {
  try {
    return decodeResult(result, exact);
  } catch (error) {
    return error as Error;
  }
}

/** @throws {@link ProtocolError} when it is no answer to `describe` */
export function decodeDescription(wire: unknown): ResultColumn[] {
  return [...decodeColumns(asObject(wire, 'a description')['cols'])];
}

/** The failure that the server tells. */
export function decodeError(wire: unknown): ServerError {
  const { message, code } = asObject(wire, 'an error');
  if (typeof message !== 'string') throw protocolError('an error has no message');
  return new ServerError(message, typeof code === 'string' ? code : '');
}

/** Decodes the entries of a cursor, which come one after the other. */
export class EntryDecoder {
  readonly #steps: readonly BatchStep[];
  #columns: readonly ResultColumn[] = NO_COLUMNS;
  #step: number | undefined;
  #row = 0;
  readonly #name = (index: number): string => this.#columns[index]?.name ?? '';

  constructor(steps: readonly BatchStep[]) {
    this.#steps = steps;
  }

  /** @returns the entry; undefined for one that is of no use here */
  decode(wire: unknown): CursorEntry | undefined {
    const entry = asObject(wire, 'an entry of a cursor');
    switch (entry['type']) {
      case 'row': {
        if (this.#step === undefined) throw protocolError('a row belongs to no statement');
        const exact = this.#steps[this.#step]?.step.exact === true;
        const row = decodeRow(entry['row'], this.#columns.length, exact, this.#name, ++this.#row);
        return { type: 'row', row };
      }
      case 'step_begin': {
        if (this.#step !== undefined) throw protocolError('a statement began within another');
        const step = this.#stepOf(entry['step']);
        this.#columns = decodeColumns(entry['cols']);
        this.#step = step;
        this.#row = 0;
        return { type: 'begin', step, columns: this.#columns };
      }
      case 'step_end':
        if (this.#step === undefined) throw protocolError('a statement ended that had not begun');
        this.#step = undefined;
        // The rowid comes as a number here (sqld 0.24), which may have lost digits; nobody asks a cursor for it.
        return { type: 'end', rowsAffected: decodeCount(entry['affected_row_count']) };
      case 'step_error': {
        const step = this.#stepOf(entry['step']);
        this.#step = undefined;
        return { type: 'error', step, error: decodeError(entry['error']) };
      }
      case 'error':
        return { type: 'error', step: undefined, error: decodeError(entry['error']) };
      default:
        // Others tell about replication, and may come with a newer server.
        return undefined;
    }
  }

  /** Whether a statement has begun and not ended. */
  get inStep(): boolean {
    return this.#step !== undefined;
  }

  #stepOf(value: unknown): number {
    const known = typeof value === 'number' && Number.isInteger(value) && value >= 0;
    if (!known || value >= this.#steps.length) throw protocolError('an entry belongs to no statement');
    return value;
  }
}

/** @throws {@link ProtocolError} when it is no object */
export function asObject(wire: unknown, what: string): Record<string, unknown> {
  if (typeof wire === 'object' && wire !== null && !Array.isArray(wire))
    return wire as Record<string, unknown>;
  throw protocolError(`${what} is no object`);
}

/** @throws {@link ProtocolError} when it is no JSON */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // The message of the parser repeats the answer, and with it data.
    throw protocolError('it is no JSON');
  }
}

function isListOf(value: unknown, length: number): value is unknown[] {
  return Array.isArray(value) && value.length === length;
}

function textOf(value: unknown, what: string): string {
  if (value === null || value === undefined) return '';
  if (typeof value === 'string') return value;
  throw protocolError(`${what} is no text`);
}
