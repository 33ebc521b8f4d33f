/**
 * Times contenders against each other: every round runs each of them once, in a rotating order, so that whatever disturbs the
 * machine disturbs all alike, and the medians of the rounds are compared.
 *
 * @typedef {{ readonly [contender: string]: () => unknown }} Contenders
 * @typedef {{ title: string, unit: string, operations: number, medians: Record<string, number> }} Measurement
 */

const ROUNDS = Number(process.env.BENCH_ROUNDS ?? 21);

/**
 * @param {string} title
 * @param {number} operations how many operations one call of a contender does
 * @param {Contenders} contenders
 * @param {number} [rounds]
 * @returns {Promise<Measurement>}
 */
export async function measure(title, operations, contenders, rounds = ROUNDS) {
  const names = Object.keys(contenders);
  /** @type {Record<string, number[]>} */
  const times = Object.fromEntries(names.map((name) => [name, []]));
  // Two rounds warm up the compiler and the page cache.
  for (let round = -2; round < rounds; round++) {
    // Nobody always comes after the same other, whose garbage may still be collected in its time.
    names.push(names.shift() ?? '');
    for (const name of names) {
      // The garbage of one contender must not be another's time; a full collection would throw compiled code away.
      globalThis.gc?.({ type: 'minor' });
      const start = process.hrtime.bigint();
      await contenders[name]();
      const microseconds = Number(process.hrtime.bigint() - start) / 1e3 / operations;
      if (round >= 0) times[name].push(microseconds);
    }
  }
  const medians = Object.fromEntries(Object.keys(contenders).map((name) => [name, median(times[name])]));
  return { title, unit: 'µs per operation', operations, medians };
}

/** @param {number[]} values */
function median(values) {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[sorted.length >> 1];
}

/**
 * Prints a measurement with every contender as a ratio to ours.
 *
 * @param {Measurement} measurement
 */
export function print({ title, medians }) {
  const ours = medians.ours;
  console.log(`\n${title}`);
  for (const [name, time] of Object.entries(medians)) {
    const ratio = name === 'ours' ? '' : `  ${(time / ours).toFixed(2)}× ours`;
    console.log(`  ${name.padEnd(28)} ${time.toFixed(2).padStart(12)} µs${ratio}`);
  }
}
