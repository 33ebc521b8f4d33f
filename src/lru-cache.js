/** A bounded map that drops the entry which was used longest ago. */
export class LruCache {
  #capacity;
  #entries = new Map();
  /** What was asked for last is often asked for again, and is the newest already. */
  #newest;
  #onEvict;
  /** @param onEvict - is given what is dropped for want of room */
  constructor(capacity, onEvict) {
    this.#capacity = capacity;
    this.#onEvict = onEvict;
  }
  get size() {
    return this.#entries.size;
  }
  get(key) {
    const value = this.#entries.get(key);
    if (value !== undefined && key !== this.#newest) {
      // A Map keeps insertion order, so putting the entry back makes it the newest.
      this.#entries.delete(key);
      this.#entries.set(key, value);
      this.#newest = key;
    }
    return value;
  }
  set(key, value) {
    if (this.#capacity === 0) return;
    if (this.#entries.size >= this.#capacity && !this.#entries.has(key)) {
      const oldest = this.#entries.keys().next();
      if (!oldest.done) this.#evict(oldest.value);
    }
    this.#entries.set(key, value);
    this.#newest = key;
  }
  #evict(key) {
    const value = this.#entries.get(key);
    this.#entries.delete(key);
    if (value !== undefined) this.#onEvict?.(value);
  }
  delete(key) {
    this.#entries.delete(key);
  }
  clear() {
    this.#entries.clear();
  }
}
