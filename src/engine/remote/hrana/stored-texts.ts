/** Shorter texts cost less than the message that stores them. */
const SHORTEST = 400;

/** How many texts a stream or socket has stored at a time; sqld 0.24 allows 150. */
const CAPACITY = 50;

/** How many texts are remembered that were sent once. */
const REMEMBERED = 200;

/** A message about a stored text, as JSON text. */
type Note = string;

/** Has the server keep long texts that repeat, so that they are sent once. A text is stored with its second use. */
export class StoredTexts {
  readonly #numbers = new Map<string, number>();
  readonly #seen = new Set<string>();
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
      return known;
    }
    if (this.#remember(sql)) return undefined;
    const number = ++this.#last;
    this.#notes.push(`"type":"store_sql","sql_id":${number},"sql":${JSON.stringify(sql)}`);
    this.#numbers.set(sql, number);
    return number;
  };

  /** The messages that must go before what was just encoded, without their braces. */
  takeNotes(): readonly Note[] {
    if (this.#notes.length === 0) return [];
    const notes = this.#notes;
    this.#notes = [];
    return notes;
  }

  /** The messages that drop what is too much, to be sent after what was just encoded. */
  takeSurplus(): readonly Note[] {
    const notes: Note[] = [];
    for (const [sql, number] of this.#numbers) {
      if (this.#numbers.size <= CAPACITY) break;
      this.#numbers.delete(sql);
      notes.push(`"type":"close_sql","sql_id":${number}`);
    }
    return notes;
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
