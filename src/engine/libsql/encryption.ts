import { closeSync, openSync, readSync } from 'node:fs';
import { DatabaseError, EncryptionKeyError } from '../../errors.js';
import { quoteText } from '../../sql/quote-name.js';
import { toDatabaseError } from './failure.js';
import { type NativeDatabase, openNative } from './native.js';

const NOT_A_DATABASE = 26;
const MAGIC = 'SQLite format 3\0';

/** Where the header tells how the file is written, and what it says in WAL mode. */
const WRITE_VERSION = 18;
const WAL = 2;

/**
 * Opens a file and finds out at once whether the key fits: the binding (libsql 0.5.29) notices it with the first statement
 * that reads a table.
 *
 * @param file - where its content is looked at, if it does not fit
 * @throws {@link EncryptionKeyError}
 */
export function openEncrypted(path: string, key: string | undefined, file: string): NativeDatabase {
  const native = openNative(path, key);
  try {
    native.exec('PRAGMA schema_version');
    return native;
  } catch (thrown) {
    native.close();
    const error = toDatabaseError(thrown);
    throw error.rawCode === NOT_A_DATABASE ? explain(file, key !== undefined, error) : error;
  }
}

/**
 * Encrypts a file with another key, or decrypts it. Nobody else may have it open.
 *
 * @throws {@link BusyError} when somebody has
 */
export function rekeyFile(path: string, key: string | undefined, newKey: string | undefined): void {
  const native = openEncrypted(path, key, path);
  try {
    // Read off the file: a prepared statement would keep it open until it is collected (libsql 0.5.29).
    const wal = readHeader(path)[WRITE_VERSION] === WAL;
    // It is refused in WAL mode (SQLite3MC 1.8.1 in libsql 0.5.29).
    if (wal) native.exec('PRAGMA journal_mode=delete');
    native.exec(`PRAGMA rekey=${quoteText(newKey ?? '')}`);
    if (wal) native.exec('PRAGMA journal_mode=wal');
  } catch (thrown) {
    // What the driver says could show the text of the statement, and with it the key.
    const { rawCode, kind, code, retryable } = toDatabaseError(thrown);
    if (kind === 'busy') throw toDatabaseError(thrown, 'PRAGMA rekey');
    throw new DatabaseError('the file could not be re-encrypted; it was left unchanged', {
      ...{ code, kind, rawCode, retryable },
      sql: 'PRAGMA rekey',
    });
  } finally {
    native.close();
  }
}

function explain(file: string, keyed: boolean, cause: DatabaseError): DatabaseError {
  const header = readHeader(file);
  if (header.subarray(0, MAGIC.length).equals(Buffer.from(MAGIC))) {
    // Without a key something else is wrong with it.
    if (!keyed) return cause;
    return new EncryptionKeyError('a key was given for a file that is not encrypted', cause);
  }
  if (!looksEncrypted(header)) return cause;
  return new EncryptionKeyError(
    keyed ? 'the file is encrypted with another key' : 'the file is encrypted; it needs config.encryptionKey',
    cause,
  );
}

/**
 * The bytes 16 to 23 of the header stay readable, and three of them are the same in every database, see
 * https://www.sqlite.org/fileformat2.html#the_database_header and
 * https://utelle.github.io/SQLite3MultipleCiphers/docs/ciphers/cipher_legacy_mode/.
 */
function looksEncrypted(header: Buffer): boolean {
  return header[21] === 64 && header[22] === 32 && header[23] === 32;
}

function readHeader(file: string): Buffer {
  const header = Buffer.alloc(24);
  try {
    const descriptor = openSync(file, 'r');
    try {
      readSync(descriptor, header, 0, header.length, 0);
    } finally {
      closeSync(descriptor);
    }
  } catch {
    // Then there is nothing to tell.
  }
  return header;
}
