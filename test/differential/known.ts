import type { Difference } from './compare.js';

/** A fault that is not mended yet. It is no difference that is allowed: an entry goes when its fault does. */
export interface Known {
  readonly fault: string;
  is(difference: Difference): boolean;
}

const remote = ({ target: { place } }: Difference): boolean => place !== 'memory' && place !== 'file';
const textOf = ({ statement }: Difference): string => statement?.sql ?? '';
const fails = ({ field }: Difference): boolean =>
  field === 'failure' || field === 'whether it fails' || field.startsWith('error.');

/** What a connection says that has an old schema in mind. */
const OLD_SCHEMA =
  /already exists|no such (?:column|table|index|trigger|view)|does not match any PRIMARY KEY|has \d+ columns but|term out of range|because it is a view|no column named|SELECTs to the left and right|generated column/;

/** Faults that are being mended. */
export const KNOWN: readonly Known[] = [
  {
    fault: 'a pragma tells the schema as it was before another connection changed it',
    is: (difference) =>
      difference.field === 'rows' && /^\s*(?:pragma|select .*pragma_)/i.test(textOf(difference)),
  },
  {
    fault: 'lastInsertRowid of a statement that inserted no row of a rowid table',
    is: ({ field }) => field === 'lastInsertRowid',
  },
  {
    fault: 'rowsAffected of a write to a view or virtual table with RETURNING',
    is: (difference) => difference.field === 'rowsAffected' && /\bRETURNING\b/i.test(textOf(difference)),
  },
  {
    fault: 'names that repeat in Kysely',
    is: ({ field, target, answer }) =>
      field === 'rows' &&
      target.builder === 'kysely' &&
      new Set(answer?.columns).size !== answer?.columns.length,
  },
  {
    fault: 'JSON numbers as bigints with TursoTypesPlugin',
    is: ({ field, path }) => field === 'rows' && path === 'kysely with types',
  },
  {
    fault: 'a statement is refused by a connection that remembers an old schema',
    is: (difference) => fails(difference) && OLD_SCHEMA.test(`${difference.expected}\n${difference.actual}`),
  },
  {
    fault: 'with a listener, an insert into a table notices that a foreign key to it points to no key',
    is: ({ target, answer, actual }) =>
      target.name.includes('observed') && /foreign key mismatch/.test(`${answer?.error?.message} ${actual}`),
  },
  {
    fault: 'a restricted view of a server does not tell which statement of a batch failed',
    is: ({ target, field, path, actual }) =>
      target.name.includes('restricted') &&
      path.startsWith('batch') &&
      field === 'error.statementIndex' &&
      actual === 'undefined',
  },
  {
    fault: 'a stream of a server has the columns of an old schema',
    is: (difference) =>
      remote(difference) && difference.field === 'rows' && difference.path.includes('stream'),
  },
  {
    fault: 'a restricted view of a server keeps nothing of a streamed write that fails',
    is: (difference) =>
      remote(difference) &&
      difference.field === 'database' &&
      /stream/.test(difference.path) &&
      /\bFAIL\b/i.test(textOf(difference)),
  },
];
