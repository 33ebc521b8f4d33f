import { DatabaseError, ParameterError } from '../../errors.js';
import { quoteName } from '../../sql/quote-name.js';
import { isWellFormed, type SqlValue } from '../../values.js';
import type { PragmaDefinition } from './catalogue.js';

/** A value as the functions give and take it. */
export type PragmaResult = boolean | number | string;

/** What the database says, as what it means. */
export function decodePragma({ name, type }: PragmaDefinition, value: SqlValue | undefined): PragmaResult {
  if (type === 'boolean') return Number(value) !== 0;
  if (type === 'text') return String(value);
  if (type === 'integer') return Number(value);
  if (typeof value === 'string') return value.toLowerCase();
  const word = type[Number(value)];
  if (word !== undefined) return word;
  throw new DatabaseError(`PRAGMA ${name} has a value that is not known`, {
    code: 'SQLITE_ERROR',
    kind: 'sql',
  });
}

/**
 * A value as it stands in the statement.
 *
 * @throws {@link ParameterError} when it is none that the pragma can have
 */
export function encodePragma({ name, type, range }: PragmaDefinition, value: unknown): string | number {
  if (type === 'boolean') {
    if (typeof value === 'boolean') return value ? 1 : 0;
    throw new ParameterError(`PRAGMA ${name} takes a boolean`);
  }
  if (type === 'integer') {
    const [min, max] = range as readonly [number, number];
    if (typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max) return value;
    throw new ParameterError(`PRAGMA ${name} takes a whole number from ${min} to ${max}`);
  }
  const words = type as readonly string[];
  if (typeof value === 'string' && words.includes(value)) return value;
  throw new ParameterError(`PRAGMA ${name} takes ${words.map((word) => `'${word}'`).join(', ')}`);
}

/**
 * A name as it stands in the statement.
 *
 * @throws {@link ParameterError} when no table or schema can have it
 */
export function pragmaName(name: unknown): string {
  if (typeof name === 'string' && name !== '' && !name.includes('\0') && isWellFormed(name)) {
    return quoteName(name);
  }
  throw new ParameterError('expected the name of a table, an index or a schema');
}
