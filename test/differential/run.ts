import { ALLOWED } from './allowed.js';
import { KNOWN } from './known.js';
import { makeCase } from './generate.js';
import { loadSqlite } from './oracle.js';
import type { Target } from './outcome.js';
import { Random } from './random.js';
import { makeReference } from './reference.js';
import { report } from './report.js';
import { count, newCounts, runCase } from './run-case.js';
import { shrink } from './shrink.js';
import { type Places, targetsFor } from './targets.js';

/** How long a run is and what it takes part in. */
export interface Options {
  readonly places: Places;
  readonly seed: number;
  /** The seed of a case that alone is run. */
  readonly only?: number | undefined;
  /** Statements on targets of the package, after which it ends. */
  readonly statements: number;
  /** When it ends at the latest, as `Date.now()`. */
  readonly until: number;
  /** Only targets of this builder. */
  readonly builder?: Target['builder'] | undefined;
  /** Fields that are not compared, to see what is behind a fault that is known. */
  readonly ignored: readonly string[];
  /** How long a difference is made smaller, in ms. */
  readonly patience: number;
  /** How many differences of one kind are shown. */
  readonly shown: number;
  readonly print: (text: string) => void;
  /** Called with what is run next, which may end the process. */
  readonly onBegin: (text: string) => void;
}

/** What a run has found. */
export interface Summary {
  readonly differences: number;
  readonly text: string;
}

/** Runs case after case; each has the next seed. */
export async function runDifferential(options: Options): Promise<Summary> {
  const { places, builder, print } = options;
  const sqlite = await loadSqlite();
  const counts = newCounts(options.ignored);
  const kinds = new Map<string, number>();
  let cases = 0;
  let seed = options.only ?? options.seed * 100_000;
  const last = options.only ?? Infinity;
  for (
    ;
    seed <= last && counts.statements < options.statements && Date.now() < options.until;
    seed++, cases++
  ) {
    const whole = makeCase(seed);
    const reference = makeReference(sqlite, whole);
    if (!reference.readable) continue;
    for (const target of targetsFor(new Random(seed + 1), places, builder)) {
      options.onBegin(`seed ${seed}, ${target.name}`);
      const difference = await runCase(reference, target, counts).catch((error: unknown) => {
        throw new Error(`seed ${seed}, ${target.name}`, { cause: error });
      });
      if (difference === undefined) continue;
      const kind = `${target.place}, ${target.builder}, ${difference.path}: ${difference.field}`;
      count(kinds, kind);
      if ((kinds.get(kind) ?? 0) > options.shown) continue;
      const { smallest, difference: least } = await shrink(sqlite, target, whole, difference, options);
      print(report(smallest, least));
    }
  }
  const differences = [...kinds.values()].reduce((sum, of) => sum + of, 0);
  const list = (title: string, map: ReadonlyMap<string, number>): string[] =>
    map.size === 0
      ? []
      : [title, ...[...map].toSorted(([, a], [, b]) => b - a).map(([key, of]) => `  ${of} × ${key}`)];
  const text = [
    ...list('differences:', kinds),
    ...list(`allowed (${ALLOWED.length} entries):`, counts.allowed),
    ...list(`known faults (${KNOWN.length} entries):`, counts.known),
    ...list('statements:', counts.byTarget),
    `${counts.statements} statements in ${cases} cases, ${differences} differences`,
  ].join('\n');
  return { differences, text };
}
