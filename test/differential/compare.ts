import { hasInfinity } from './infinity.js';
import { decodeBy, Undecodable } from './decode.js';
import { compareErrors, type Fields, fieldsOf } from './errors.js';
import type { Expected } from './expected.js';
import type { Answer } from './oracle.js';
import type { IntMode, Outcome, StepOutcome, Target } from './outcome.js';
import type { Statement, Step } from './statement.js';

/** Something in which a target is not like SQLite itself. */
export interface Difference {
  readonly target: Target;
  readonly step: Step;
  readonly path: string;
  /** The statement, where it is known. */
  readonly statement: Statement | undefined;
  readonly field: string;
  readonly expected: string;
  readonly actual: string;
  /** What the target threw. */
  readonly error?: Fields;
  readonly answer?: Answer;
}

/** What was thrown, as text. */
export function told(thrown: unknown, otherwise: string): string {
  return thrown instanceof Error ? `${thrown.name}: ${thrown.message}` : otherwise;
}

/** A value as text that tells its type. */
export function show(value: unknown): string {
  if (typeof value === 'bigint') return `${value}n`;
  if (typeof value === 'number') return Object.is(value, -0) ? '-0' : String(value);
  if (value instanceof Uint8Array) return `x'${Buffer.from(value).toString('hex')}'`;
  if (Array.isArray(value)) return `[${value.map(show).join(', ')}]`;
  return value === undefined ? 'undefined' : JSON.stringify(value);
}

/** An integer that has no exact number. */
export class Inexact extends Error {
  readonly column: string;

  constructor(column: string) {
    super(column);
    this.column = column;
  }
}

/** Rows as a target with this mode must give them, as text. */
export function rowsIn(
  answer: Answer,
  form: Outcome['form'],
  intMode: IntMode | 'narrow',
  types: readonly string[] = [],
): string[] {
  const keys = form === 'last' ? answer.columns : uniqueNames(answer.columns);
  return answer.rows.map((row) => {
    const values = row.map((stored, i) => {
      const value = decodeBy(types[i] ?? '', stored, answer.columns[i] ?? '');
      if (typeof value !== 'bigint' || intMode === 'bigint') return value;
      if (intMode === 'string') return String(value);
      if (Number.isSafeInteger(Number(value))) return Number(value);
      if (intMode === 'narrow') return value;
      throw new Inexact(answer.columns[i] ?? '');
    });
    if (form === 'array') return show(values);
    return showObject(Object.fromEntries(values.map((value, i) => [keys[i], value])));
  });
}

function showObject(row: object): string {
  return Object.entries(row)
    .map(([key, value]) => `${key}: ${show(value)}`)
    .toSorted()
    .join(', ');
}

/** Of several columns with one name the first keeps it, the others get a number, as docs/values.md has it. */
function uniqueNames(names: readonly string[]): string[] {
  const taken = new Set(names);
  const seen = new Set<string>();
  return names.map((name) => {
    if (!seen.has(name)) {
      seen.add(name);
      return name;
    }
    let suffix = 1;
    while (taken.has(`${name}:${suffix}`)) suffix++;
    taken.add(`${name}:${suffix}`);
    return `${name}:${suffix}`;
  });
}

/** What is different; nothing where it is the same. */
export function compareStep(
  target: Target,
  step: Step,
  expected: Expected,
  actual: StepOutcome,
  statements: readonly Statement[],
): Difference[] {
  const context = { target, step, path: actual.path };
  if (step.mode === 'elsewhere' || step.mode === 'migrate') return compareWhether(context, expected, actual);
  const wholeFails = step.mode === 'batch' || step.mode === 'script' || step.mode === 'many';
  if (
    wholeFails &&
    (actual.error !== undefined || (expected.failed !== undefined && actual.outcomes.length === 0))
  )
    return compareFailure(context, expected, actual, statements);
  if (step.mode === 'transaction') {
    const lost = (actual.error as { code?: unknown } | undefined)?.code === 'TRANSACTION_LOST';
    // Who undoes a transaction is told of nothing else.
    if ((lost !== expected.lost && !step.undo) || (actual.error !== undefined && !lost))
      return [
        {
          ...context,
          statement: undefined,
          field: 'end of the transaction',
          expected: expected.lost ? 'lost' : 'fine',
          actual: told(actual.error, 'fine'),
        },
      ];
  }
  if (actual.outcomes.length === 0) return [];
  const count = Math.max(actual.outcomes.length, expected.answers.length);
  return Array.from({ length: count }, (_, i) => {
    const [answer, outcome, statement] = [expected.answers[i], actual.outcomes[i], statements[i]];
    if (answer === undefined || outcome === undefined) {
      const ran = (has: boolean): string => (has ? 'was run' : 'was not run');
      return [
        {
          ...context,
          statement,
          field: 'statements',
          expected: ran(answer !== undefined),
          actual: ran(outcome !== undefined),
        },
      ];
    }
    const index = step.mode === 'script' ? i : outcome.path.endsWith('batch') ? 0 : undefined;
    return compareOutcome({ ...context, path: outcome.path }, answer, outcome, statement as Statement, index);
  }).flat();
}

interface Context {
  readonly target: Target;
  readonly step: Step;
  readonly path: string;
}

function compareWhether(
  context: Context,
  expected: Expected,
  { error, outcomes }: StepOutcome,
): Difference[] {
  const wanted =
    expected.failed?.refusal ?? expected.answers.find((answer) => answer.error !== undefined)?.error;
  const thrown = error ?? outcomes.find((outcome) => outcome.error !== undefined)?.error;
  if ((wanted === undefined) === (thrown === undefined)) return [];
  return [
    {
      ...{ ...context, statement: undefined, field: 'whether it fails' },
      ...{
        expected: wanted?.message ?? 'it does not',
        actual: thrown === undefined ? 'it does not' : told(thrown, ''),
      },
    },
  ];
}

function compareFailure(
  context: Context,
  expected: Expected,
  actual: StepOutcome,
  statements: readonly Statement[],
): Difference[] {
  const { failed } = expected;
  // A value that this mode can't give ends it at any statement before.
  if (isInexact(context.target, expected.answers) && fieldsOf(actual.error).name === 'ValueError')
    return [inexact(context, undefined)];
  if (failed === undefined || actual.error === undefined) {
    const answer = expected.answers.find(hasInfinity);
    const fields = {
      ...(actual.error !== undefined && { error: fieldsOf(actual.error) }),
      ...(answer && { answer }),
    };
    return [
      {
        ...{ ...context, ...fields, statement: statements[failed?.index ?? -1], field: 'failure' },
        ...{ expected: failed?.refusal.message ?? 'none', actual: told(actual.error, 'none') },
      },
    ];
  }
  // Several rows of one statement are checked in another order, so another one of them may be at fault.
  if (context.step.mode === 'many') return [];
  const script = context.path.includes('script');
  const statement = statements[failed.index] as Statement;
  const tellsIndex = script || context.path.startsWith('batch');
  const more = { sql: statement.sql.trim(), statementIndex: tellsIndex ? failed.index : undefined };
  const error = fieldsOf(actual.error, script);
  const answer = expected.answers.at(-1) as Answer;
  return compareErrors(failed.refusal, more, error).map((difference) => ({
    ...context,
    statement,
    error,
    answer,
    ...difference,
  }));
}

/** An integer that has no exact number was read. Whether what was written is kept then depends on the path. */
function inexact(context: Context, statement: Statement | undefined): Difference {
  return {
    ...context,
    statement,
    field: 'inexact',
    expected: 'an integer beyond 2^53',
    actual: 'ValueError',
  };
}

function isInexact({ intMode }: Target, answers: readonly Answer[]): boolean {
  if (intMode !== 'number') return false;
  return answers.some(({ rows }) =>
    rows.some((row) =>
      row.some((value) => typeof value === 'bigint' && !Number.isSafeInteger(Number(value))),
    ),
  );
}

function compareOutcome(
  context: Context,
  answer: Answer,
  outcome: Outcome,
  statement: Statement,
  index: number | undefined,
): Difference[] {
  const base = { ...context, statement, answer };
  let rows: string[] = [];
  try {
    const asked = outcome.first ? { ...answer, rows: answer.rows.slice(0, 1) } : answer;
    rows = rowsIn(asked, outcome.form, outcome.narrow ? 'narrow' : context.target.intMode, outcome.types);
  } catch (impossible) {
    if (!(impossible instanceof Inexact || impossible instanceof Undecodable)) throw impossible;
    const tellsRows = outcome.rows !== undefined || outcome.error !== undefined;
    const error = fieldsOf(outcome.error);
    const writes =
      !/^\s*(?:select|values|with|pragma)\b/i.test(statement.sql) || /\bRETURNING\b/i.test(statement.sql);
    if (!tellsRows) return [];
    if (error.name === 'ValueError') return writes ? [inexact(context, statement)] : [];
    return [
      {
        ...base,
        error,
        field: 'rows',
        expected: `a ValueError for ${impossible.column}`,
        actual: told(outcome.error, 'rows'),
      },
    ];
  }
  if (answer.error !== undefined && outcome.error !== undefined) {
    const script = outcome.path.includes('script');
    const error = fieldsOf(outcome.error, script);
    const more = {
      sql: context.step.mode === 'built' ? undefined : statement.sql.trim(),
      statementIndex: script ? (index ?? 0) : index,
    };
    // Drizzle names tables and columns in its own way.
    const worded = !(context.step.mode === 'built' && context.target.builder === 'drizzle');
    return compareErrors(answer.error, more, error)
      .filter(({ field }) => worded || field !== 'error.message')
      .map((difference) => ({ ...base, error, ...difference }));
  }
  if (answer.error !== undefined || outcome.error !== undefined) {
    const error = fieldsOf(outcome.error);
    return [
      {
        ...base,
        error,
        field: 'failure',
        expected: answer.error?.message ?? 'none',
        actual: outcome.error === undefined ? 'none' : `${error.name}: ${error.message}`,
      },
    ];
  }
  return differences(base, answer, outcome, rows);
}

function differences(
  base: Omit<Difference, 'field' | 'expected' | 'actual'>,
  answer: Answer,
  outcome: Outcome,
  rows: readonly string[],
): Difference[] {
  const found: Difference[] = [];
  const compare = (field: string, expected: string, actual: string): void => {
    if (expected !== actual) found.push({ ...base, field, expected, actual });
  };
  if (outcome.rows !== undefined) {
    const shown = outcome.rows.map((row) => (Array.isArray(row) ? show(row) : showObject(row as object)));
    compare('rows', rows.join('\n'), shown.join('\n'));
  }
  if (outcome.columns !== undefined) compare('columns', show(answer.columns), show(outcome.columns));
  if (outcome.changes !== undefined) compare('rowsAffected', String(answer.changes), String(outcome.changes));
  if (outcome.rowid !== undefined) compare('lastInsertRowid', String(answer.rowid), String(outcome.rowid.is));
  return found;
}
