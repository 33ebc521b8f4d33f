/**
 * What may and must be in the table. A write is noted before it is sent, and again with its outcome.
 */
export class Model {
  /** Of every key that was ever sent: whether it must be there, must not, or may be. */
  readonly #keys = new Map<string, 'pending' | 'there' | 'gone' | 'maybe'>();
  /** Keys that are there together or not at all. */
  readonly #groups: string[][] = [];
  readonly #seen = new Set<string>();
  readonly faults: string[] = [];
  #last = 0;

  /** A key that nobody else has. */
  newKey(label: string): string {
    const key = `${label}-${++this.#last}`;
    this.#keys.set(key, 'pending');
    return key;
  }

  /** Keys of which all or none are written. */
  together(keys: readonly string[]): void {
    this.#groups.push([...keys]);
  }

  settle(keys: readonly string[], outcome: 'there' | 'gone' | 'maybe'): void {
    for (const key of keys) this.#keys.set(key, outcome);
  }

  /** The keys that are surely there: a read that begins now must find them. */
  acknowledged(): string[] {
    return Array.from(this.#keys).flatMap(([key, state]) => (state === 'there' ? [key] : []));
  }

  /**
   * Judges what somebody read outside a transaction.
   *
   * @param must what had been acknowledged when the read began
   */
  read(keys: readonly string[], must: readonly string[], where: string): void {
    const found = this.#count(keys, where);
    for (const key of found.keys()) this.#seen.add(key);
    for (const key of must)
      if (!found.has(key)) this.faults.push(`${where}: ${key} was acknowledged and is not there`);
  }

  /** Judges the table when all is over. */
  finish(keys: readonly string[]): void {
    const found = this.#count(keys, 'at the end');
    for (const [key, state] of this.#keys) {
      const there = found.has(key);
      if (state === 'there' && !there) this.faults.push(`at the end: ${key} is lost`);
      if (state === 'gone' && there) this.faults.push(`at the end: ${key} is there although it was refused`);
      // The callback of a transaction that was stopped may go on, but nothing of it may be kept.
      if (state === 'pending' && there)
        this.faults.push(`at the end: ${key} was written by a transaction that had ended`);
    }
    for (const key of this.#seen)
      if (!found.has(key)) this.faults.push(`at the end: ${key} had been read and is gone`);
    for (const group of this.#groups) {
      const there = group.filter((key) => found.has(key));
      if (there.length > 0 && there.length < group.length)
        this.faults.push(`at the end: of ${group.join(', ')} only ${there.join(', ')} is there`);
    }
  }

  #count(keys: readonly string[], where: string): Map<string, number> {
    const found = new Map<string, number>();
    for (const key of keys) found.set(key, (found.get(key) ?? 0) + 1);
    for (const [key, count] of found) {
      if (count > 1) this.faults.push(`${where}: ${key} is there ${count} times`);
      if (!this.#keys.has(key)) this.faults.push(`${where}: nobody has written ${key}`);
    }
    return found;
  }
}
