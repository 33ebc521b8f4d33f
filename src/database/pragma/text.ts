import type { AnalyzedStatement } from '../../sql/statement.js';
import { concernsConnection } from './catalogue.js';

/** A setting that the text of a PRAGMA makes. */
export interface ConnectionSetting {
  readonly name: string;
  /** Undefined where it is no plain word or number. */
  readonly value: string | number | undefined;
}

/** What a statement sets for its connection only; undefined for every other statement. */
export function connectionSetting(statement: AnalyzedStatement): ConnectionSetting | undefined {
  const { pragma: name, pragmaArgument, text, verb } = statement;
  if (name === undefined || !pragmaArgument || verb === 'EXPLAIN') return undefined;
  if (name !== 'journal_mode' && !concernsConnection(name)) return undefined;
  const value = /[=(]\s*['"]?(-?\w+)['"]?\s*\)?$/.exec(text)?.[1];
  return { name, value: value !== undefined && /^-?\d+$/.test(value) ? Number(value) : value };
}
