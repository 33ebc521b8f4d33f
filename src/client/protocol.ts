import type { Database } from '../database/database.js';

/** What `protocol` of a client is. */
export function protocolOf(database: Database): string {
  const { target } = database.config;
  if (target.kind !== 'remote') return 'file';
  return /^wss?:/i.test(target.url) ? 'ws' : 'http';
}
