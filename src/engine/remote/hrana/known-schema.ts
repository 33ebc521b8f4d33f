/**
 * Tells whether the schema that a connection of the server remembers is the one that the database has. The server counts what
 * is written (`replication_index`, sqld 0.24), and tells after each answer how far it has come: what is the same as when the
 * schema was looked at has no other schema. A server that counts nothing is asked each time.
 */
export class KnownSchema {
  /** What the last answer told. */
  #told: unknown;
  /** What was told when the schema was looked at; undefined where something was written meanwhile. */
  #looked: unknown;

  /** Whether nothing was written since the schema was looked at, as far as the last answer tells. */
  get isCurrent(): boolean {
    return this.#looked !== undefined && this.#looked === this.#told;
  }

  /**
   * Notes an answer.
   *
   * @param looked - whether the schema was looked at for it
   */
  note(result: unknown, looked = false): void {
    const told = countOf(result);
    if (looked) this.#looked = told === this.#told ? told : undefined;
    this.#told = told;
  }
}

/** Nothing was ever written where it is 0, or nobody counts. */
function countOf(result: unknown): unknown {
  const told = (result as { replication_index?: unknown } | null | undefined)?.replication_index;
  return typeof told === 'string' && told !== '0' ? told : undefined;
}
