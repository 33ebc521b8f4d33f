import { type ProtocolError, protocolError } from '../../../errors.js';

/** Codes of Node's parsers of HTTP and of compressed data, and of `ws`. */
const UNREADABLE = /^(?:HPE_|Z_|WS_ERR_|ERR__ERROR_FORMAT_)/;

/**
 * The error for a failure, or one of its causes, that tells that what came can't be read; undefined for any other. Those
 * failures are no cause of it: they hold what was received.
 */
export function unreadable(failure: unknown): ProtocolError | undefined {
  let reason = failure as { code?: unknown; cause?: unknown } | undefined;
  for (let depth = 0; typeof reason === 'object' && reason !== null && depth < 8; depth++) {
    const { code } = reason;
    if (typeof code === 'string' && UNREADABLE.test(code)) return protocolError(`it can't be read (${code})`);
    reason = reason.cause as typeof reason;
  }
  return undefined;
}
