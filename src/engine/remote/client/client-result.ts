import { protocolError } from '../../../errors.js';
import type { ClientResult } from './client.js';

/** @throws {@link ProtocolError} when a client, or a wrapper round one, gives something else than a result */
export function checkResult(result: unknown): asserts result is ClientResult {
  const { columns, rows, lastInsertRowid } = (result ?? {}) as Partial<ClientResult>;
  const lists = Array.isArray(columns) && Array.isArray(rows);
  const valid =
    lists &&
    rows.every((row) => typeof row === 'object' && row !== null) &&
    /^-?\d+$/.test(String(lastInsertRowid ?? 0));
  if (!valid) throw protocolError('what the client gave for a statement is no result with columns and rows');
}
