/** Shorter texts cost less than the message that stores them. */
const SHORTEST = 400;

/** How many texts a stream or socket has stored at a time; sqld 0.24 allows 50 over HTTP and 150 over WebSocket. */
const CAPACITY = 40;

/** How many texts are remembered that were sent once. */
const REMEMBERED = 200;

/** A message about a stored text, as JSON text. */
type Note = string;

/** Has the server keep long texts that repeat, so that they are sent once. A text is stored with its second use. */
export class StoredTexts {
  readonly #numbers = new Map<string, number>();
  readonly #seen = new Set<string>();
  /** The numbers that the message needs which is being encoded. */
  readonly #needed = new Set<number>();
  /** What is to be sent before the statements that use the numbers. */
  #notes: Note[] = [];
  #last = 0;

  /** The number of a text, which is stored now or was before; undefined to send it as it is. */
  readonly numberOf = (sql: string): number | undefined => {
    if (sql.length < SHORTEST) return undefined;
    const known = this.#numbers.get(sql);
    if (known !== undefined) {
      // The one that was used last is dropped last.
      this.#numbers.delete(sql);
      this.#numbers.set(sql, known);
      this.#needed.add(known);
      return known;
    }
    if (this.#remember(sql) || !this.#makeRoom()) return undefined;
    const number = ++this.#last;
    this.#needed.add(number);
    this.#notes.push(`"type":"store_sql","sql_id":${number},"sql":${JSON.stringify(sql)}`);
    this.#numbers.set(sql, number);
    return number;
  };

  /** The messages that must go before what was just encoded, without their braces. */
  takeNotes(): readonly Note[] {
    if (this.#needed.size === 0) return [];
    this.#needed.clear();
    const notes = this.#notes;
    this.#notes = [];
    return notes;
  }

  /** Drops a text if there are too many. @returns false where the message needs all of them */
  #makeRoom(): boolean {
    if (this.#numbers.size < CAPACITY) return true;
    const [[sql, number] = ['', 0]] = this.#numbers;
    if (this.#needed.has(number)) return false;
    this.#numbers.delete(sql);
    this.#notes.push(`"type":"close_sql","sql_id":${number}`);
    return true;
  }

  /** @returns whether this is the first use */
  #remember(sql: string): boolean {
    if (this.#seen.delete(sql)) return false;
    this.#seen.add(sql);
    const [oldest] = this.#seen;
    if (this.#seen.size > REMEMBERED && oldest !== undefined) this.#seen.delete(oldest);
    return true;
  }
}
