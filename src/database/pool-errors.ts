import type { ResolvedConfig } from '../config.js';
import { BusyError } from '../errors.js';

/** All connections were lent for as long as one may wait. */
export function exhausted({ concurrency, busyTimeout }: ResolvedConfig): BusyError {
  return new BusyError(
    `all ${concurrency} connections were in use for ${busyTimeout} ms; end transactions and streams sooner, or raise ` +
      'config.concurrency',
    { code: 'SQLITE_BUSY', kind: 'busy', retryable: true },
  );
}

/** Something needs the database for itself, and others have not ended in time. */
export function inUse(count: number, busyTimeout: number): BusyError {
  return new BusyError(
    `${count} connections were in use for ${busyTimeout} ms; this needs the database for itself, so end transactions and ` +
      'streams first',
    { code: 'SQLITE_BUSY', rawCode: 5, kind: 'busy', retryable: true },
  );
}
