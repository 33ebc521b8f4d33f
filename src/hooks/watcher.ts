import type { Connection } from '../engine/engine.js';
import type { AnalyzedStatement } from '../sql/statement.js';
import { analyze } from '../sql/statement.js';

/** Asks a file from time to time whether anybody has committed: `PRAGMA data_version` costs some microseconds. */
export class Watcher {
  readonly #open: () => Promise<Connection>;
  readonly #listener: () => void;
  readonly #interval: number;
  #timer: NodeJS.Timeout | undefined;
  #connection: Connection | undefined;
  #version: unknown;
  #closed = false;

  /**
   * @param open - opens a connection for the watcher alone: to itself its own commits would be invisible
   * @param interval - in ms
   */
  constructor(open: () => Promise<Connection>, listener: () => void, interval: number) {
    this.#open = open;
    this.#listener = listener;
    this.#interval = interval;
  }

  /** Resolves when every commit that follows will be noticed. */
  async start(): Promise<void> {
    this.#connection = await this.#open();
    this.#version = await this.#ask(this.#connection);
    if (this.#closed) await this.#connection.close();
    else this.#schedule();
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    clearTimeout(this.#timer);
    await this.#connection?.close();
  }

  #schedule(): void {
    this.#timer = setTimeout(() => void this.#look(), this.#interval);
    // A watcher does not keep a process alive.
    this.#timer.unref();
  }

  async #look(): Promise<void> {
    if (this.#closed || this.#connection === undefined) return;
    try {
      const version = await this.#ask(this.#connection);
      if (version !== this.#version) {
        this.#version = version;
        this.#listener();
      }
    } catch (error) {
      // A lock passes; whatever else it is, the listener is not to be left without a word.
      process.emitWarning(error instanceof Error ? error : String(error));
    }
    if (!this.#closed) this.#schedule();
  }

  async #ask(connection: Connection): Promise<unknown> {
    const { rows } = await connection.execute(DATA_VERSION, [], { fetch: 'first' });
    return rows[0]?.[0];
  }
}

const [DATA_VERSION] = analyze('PRAGMA data_version').statements as [AnalyzedStatement];
