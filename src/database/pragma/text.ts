import type { AnalyzedStatement } from '../../sql/statement.js';
import { pragmaBoolean, pragmaValue } from '../../sql/pragma-value.js';
import { concernsConnection } from './connection-settings.js';

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
  const value = pragmaValue(text);
  if (name !== 'query_only') return { name, value };
  const on = pragmaBoolean(value);
  return { name, value: on === undefined ? undefined : on ? 1 : 0 };
}
