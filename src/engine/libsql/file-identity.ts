import { statSync } from 'node:fs';
import { DatabaseError } from '../../errors.js';

/** For how long a file counts as looked at, in ms: a look takes some microseconds. */
const LOOKED_AT = 5;

/**
 * Knows a file again. In WAL mode SQLite (3.45.1 in libsql 0.5.29) goes on writing to a file that was removed, and a new
 * connection makes an empty one in its place, so what is acknowledged would be lost.
 */
export class FileIdentity {
  readonly #path: string;
  #known: string | undefined;
  #lookedAt = -Infinity;
  readonly #onLook: ((now: number) => void) | undefined;

  /** @param onLook - called when the file was looked at before a write, so at most every 5 ms */
  constructor(path: string, onLook?: (now: number) => void) {
    this.#path = path;
    this.#onLook = onLook;
  }

  /** Whether the file was opened before. */
  get known(): boolean {
    return this.#known !== undefined;
  }

  /** To be called when it was opened. */
  learn(): void {
    this.#known ??= this.#look();
  }

  /**
   * To be called before something is written. What happens to the file within 5 ms after a look shows with the next.
   *
   * @param writer - is marked as broken then
   * @throws as {@link assertSame}
   */
  check(writer: { broken: boolean }): void {
    const now = performance.now();
    if (now - this.#lookedAt < LOOKED_AT) return;
    try {
      this.assertSame();
    } catch (error) {
      writer.broken = true;
      throw error;
    }
    this.#lookedAt = now;
    this.#onLook?.(now);
  }

  /** @throws {@link DatabaseError} of kind `io` when the file that was opened is not there any more */
  assertSame(): void {
    if (this.#known === undefined) return;
    const found = this.#look();
    if (found === this.#known) return;
    throw new DatabaseError(
      `the file of the database was ${found === undefined ? 'removed' : 'replaced'} after it was opened; close the ` +
        'database and open it again',
      { code: 'SQLITE_IOERR', rawCode: 10, kind: 'io' },
    );
  }

  #look(): string | undefined {
    const stat = statSync(this.#path, { bigint: true, throwIfNoEntry: false });
    return stat === undefined ? undefined : `${stat.dev}:${stat.ino}`;
  }
}
