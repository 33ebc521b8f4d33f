// Which mistakes are tried, in which order, by which tests, and what is said of them.

/** @typedef {import('./mutate.mjs').Mutant} Mutant */

/**
 * A mistake that changes nothing anybody can notice.
 *
 * @typedef {object} Note
 * @property {string} file
 * @property {string} was the line, trimmed
 * @property {string} is the line with the mistake, trimmed
 * @property {string} reason
 */

/**
 * @typedef {object} Verdict
 * @property {Mutant} mutant
 * @property {string | undefined} noticedBy undefined when it survived
 * @property {number} ran test files
 * @property {number} related test files
 */

/** @type {(mutant: Mutant, note: Note) => boolean} */
const fits = (mutant, note) => mutant.file === note.file && mutant.was === note.was && mutant.is === note.is;

/** @type {(mutant: Mutant, notes: readonly Note[]) => boolean} */
export function isNoted(mutant, notes) {
  return notes.some((note) => fits(mutant, note));
}

/** The notes about code that has changed since. @type {(notes: readonly Note[], all: readonly Mutant[]) => Note[]} */
export function staleNotes(notes, all) {
  return notes.filter((note) => !all.some((mutant) => fits(mutant, note)));
}

/** The same order for the same seed. @type {<T>(list: readonly T[], seed: number) => T[]} */
export function shuffled(list, seed) {
  const order = [...list];
  // Mulberry32, https://gist.github.com/tommyettinger/46a874533244883189143505d203312c.
  let state = seed >>> 0;
  for (let i = order.length - 1; i > 0; i--) {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    const other = Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * (i + 1));
    [order[i], order[other]] = [/** @type {any} */ (order[other]), /** @type {any} */ (order[i])];
  }
  return order;
}

/** `file:line` of every line that a diff without context adds. @type {(diff: string) => Set<string>} */
export function changedLines(diff) {
  const lines = new Set();
  let file = '';
  for (const line of diff.split('\n')) {
    if (line.startsWith('+++ ')) file = line.slice(4).replace(/^b\//, '');
    const [, first, count = '1'] = /^@@ -\S+ \+(\d+)(?:,(\d+))? @@/.exec(line) ?? [];
    if (first === undefined) continue;
    for (let i = 0; i < Number(count); i++) lines.add(`${file}:${Number(first) + i}`);
  }
  return lines;
}

/**
 * Test files by the run: a short run first, since most mistakes are noticed at once. What the budget does not reach is left out.
 *
 * @param {readonly string[]} tests
 * @param {Record<string, number>} seconds by test file
 * @param {number} budget in seconds
 * @returns {string[][]}
 */
export function chunks(tests, seconds, budget) {
  /** @type {string[][]} */
  const runs = [];
  let size = 5;
  let left = budget;
  let room = 0;
  for (const test of tests) {
    const cost = 1 + (seconds[test] ?? 0);
    if (cost > left && runs.length > 0) continue;
    if (room <= 0) {
      runs.push([]);
      room = size;
      size *= 3;
    }
    runs.at(-1)?.push(test);
    room -= cost;
    left -= cost;
  }
  return runs;
}

/** The figures by folder. @type {(verdicts: readonly Verdict[]) => string} */
export function summary(verdicts) {
  /** @type {Map<string, [noticed: number, all: number]>} */
  const folders = new Map();
  for (const { mutant, noticedBy } of verdicts) {
    const folder = mutant.file.split('/').slice(0, -1).slice(0, 3).join('/');
    for (const key of [folder, 'all']) {
      const [noticed, all] = folders.get(key) ?? [0, 0];
      folders.set(key, [noticed + (noticedBy === undefined ? 0 : 1), all + 1]);
    }
  }
  return [...folders]
    .toSorted(([a], [b]) => (a === 'all' ? 1 : b === 'all' ? -1 : a < b ? -1 : 1))
    .map(
      ([folder, [noticed, all]]) =>
        `${folder.padEnd(24)} ${noticed}/${all} noticed, ${Math.round((100 * noticed) / all)} %`,
    )
    .join('\n');
}
