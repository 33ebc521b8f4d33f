// Measures that take the same memory after an hour as after a minute.

/** Each bucket of a histogram ends 5 % above the one before it. */
const RATIO = 1.05;
/** In ms: shorter times count as this. */
const SHORTEST = 0.005;
const BUCKETS = 400;

/** Counts of times, by their magnitude. */
export class Histogram {
  /** @param {{ counts?: number[], max?: number }} [from] what another process has counted, see {@link Histogram.toJSON} */
  constructor({ counts = Array.from({ length: BUCKETS }, () => 0), max = 0 } = {}) {
    this.counts = counts;
    this.max = max;
  }

  /** @param {number} ms */
  record(ms) {
    const bucket = Math.ceil(Math.log(Math.max(ms, SHORTEST) / SHORTEST) / Math.log(RATIO));
    this.counts[Math.min(bucket, BUCKETS - 1)]++;
    this.max = Math.max(this.max, ms);
  }

  /** @param {Histogram} other */
  add(other) {
    for (const [i, count] of other.counts.entries()) this.counts[i] += count;
    this.max = Math.max(this.max, other.max);
  }

  get count() {
    return this.counts.reduce((sum, count) => sum + count, 0);
  }

  /**
   * @param {number} share 0.99 for the time that 99 % stay below
   * @returns {number} in ms, at most 5 % too long
   */
  quantile(share) {
    let rest = this.count * share;
    for (const [i, count] of this.counts.entries()) {
      rest -= count;
      if (rest <= 0 && count > 0) return Math.min(SHORTEST * RATIO ** i, this.max);
    }
    return 0;
  }

  toJSON() {
    return { counts: this.counts, max: this.max };
  }
}

/** The straight line through samples over time, by least squares. */
export class Slope {
  #n = 0;
  #x = 0;
  #y = 0;
  #xx = 0;
  #xy = 0;

  /**
   * @param {number} x in hours
   * @param {number} y
   */
  add(x, y) {
    this.#n++;
    this.#x += x;
    this.#y += y;
    this.#xx += x * x;
    this.#xy += x * y;
  }

  /** What an hour adds; undefined with fewer than three samples. */
  get perHour() {
    const spread = this.#n * this.#xx - this.#x * this.#x;
    return this.#n < 3 || spread === 0 ? undefined : (this.#n * this.#xy - this.#x * this.#y) / spread;
  }
}
