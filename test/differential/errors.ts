import type { Refusal } from './oracle.js';

const FIELDS = [
  'name',
  'message',
  'code',
  'extendedCode',
  'rawCode',
  'constraint',
  'table',
  'columns',
  'index',
  'kind',
  'retryable',
  'sql',
  'statementIndex',
] as const;

/** The fields of an error that a caller can branch on. */
export type Fields = Readonly<Record<(typeof FIELDS)[number], unknown>>;

/** SQLite's names of its codes, as far as statements that are generated can fail with them. */
const NAMES: Readonly<Record<number, string>> = {
  1: 'SQLITE_ERROR',
  18: 'SQLITE_TOOBIG',
  19: 'SQLITE_CONSTRAINT',
  20: 'SQLITE_MISMATCH',
  25: 'SQLITE_RANGE',
  267: 'SQLITE_CORRUPT_VTAB',
  275: 'SQLITE_CONSTRAINT_CHECK',
  787: 'SQLITE_CONSTRAINT_FOREIGNKEY',
  1043: 'SQLITE_CONSTRAINT_FUNCTION',
  1299: 'SQLITE_CONSTRAINT_NOTNULL',
  1555: 'SQLITE_CONSTRAINT_PRIMARYKEY',
  1811: 'SQLITE_CONSTRAINT_TRIGGER',
  2067: 'SQLITE_CONSTRAINT_UNIQUE',
  2323: 'SQLITE_CONSTRAINT_VTAB',
  2579: 'SQLITE_CONSTRAINT_ROWID',
  3091: 'SQLITE_CONSTRAINT_DATATYPE',
};

const CONSTRAINTS: Readonly<Record<number, string>> = {
  275: 'check',
  787: 'foreignKey',
  1299: 'notNull',
  1555: 'primaryKey',
  1811: 'trigger',
  2067: 'unique',
  2579: 'primaryKey',
  3091: 'datatype',
};

/** A builder's wrapper is taken off; so is the place that a script puts before the message. */
export function fieldsOf(thrown: unknown, script = false): Fields {
  const wrapper = thrown as { readonly name?: unknown; readonly cause?: unknown } | undefined;
  const wrapped = (thrown as object | undefined)?.constructor?.name === 'DrizzleQueryError';
  const error = (wrapped ? wrapper?.cause : thrown) as Partial<Fields> | undefined;
  const fields = Object.fromEntries(FIELDS.map((field) => [field, error?.[field]])) as unknown as Fields;
  const place = /^statement \d+ of the script \(line \d+, column \d+\): /;
  return script ? { ...fields, message: String(error?.message).replace(place, '') } : fields;
}

interface ErrorDifference {
  readonly field: string;
  readonly expected: string;
  readonly actual: string;
}

/** What `more` leaves undefined but `statementIndex` is not compared. */
export function compareErrors(
  { message, code }: Refusal,
  more: { readonly sql: string | undefined; readonly statementIndex?: number | undefined },
  error: Fields,
): ErrorDifference[] {
  const primary = code & 0xff;
  const constraint = primary === 19;
  const expected: Partial<Fields> = {
    ...{ name: constraint ? 'ConstraintError' : 'DatabaseError', message },
    ...{ code: NAMES[primary], extendedCode: NAMES[code], rawCode: code, retryable: false },
    ...(constraint && { constraint: constraintOf(code, message), ...namedBy(message) }),
    ...(more.sql !== undefined && more),
  };
  return Object.entries(expected).flatMap(([field, value]) => {
    const actual = error[field as keyof Fields];
    const same = JSON.stringify(actual) === JSON.stringify(value);
    return same
      ? []
      : [
          {
            field: `error.${field}`,
            expected: JSON.stringify(value) ?? 'undefined',
            actual: JSON.stringify(actual) ?? 'undefined',
          },
        ];
  });
}

/** ON DELETE RESTRICT has the code of a trigger, and a virtual table tells no more than its message. */
function constraintOf(code: number, message: string): string {
  if (code === 1811 && message === 'FOREIGN KEY constraint failed') return 'foreignKey';
  if (code === 19 && message.startsWith('UNIQUE constraint failed')) return 'unique';
  return CONSTRAINTS[code] ?? 'other';
}

/** The table and columns that a message names; names of this run have no dots. */
function namedBy(message: string): {
  readonly table: string | undefined;
  readonly columns: readonly string[];
} {
  const unique = /^(?:UNIQUE|NOT NULL) constraint failed: ((?:\w+\.\w+(?:, )?)+)$/.exec(message);
  const datatype = /^cannot store \w+ value in \w+ column (\w+\.\w+)$/.exec(message);
  const names = (unique ?? datatype)?.[1]?.split(', ').map((name) => name.split('.'));
  if (names === undefined) return { table: undefined, columns: [] };
  return { table: names[0]?.[0], columns: names.map(([, column]) => column as string) };
}
