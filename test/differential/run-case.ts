import { ALLOWED } from './allowed.js';
import { compareStep, type Difference } from './compare.js';
import { compareDumps } from './dump.js';
import { expect, type Expected } from './expected.js';
import { compileBuilt } from './kysely-session.js';
import { Oracle } from './oracle.js';
import type { Session, StepOutcome, Target } from './outcome.js';
import { Random, seedOf } from './random.js';
import { insertOf } from './core-session.js';
import type { Case, Statement, Step } from './statement.js';

export type Sqlite = ConstructorParameters<typeof Oracle>[0];

/** How often what was seen. */
export interface Counts {
  readonly ignored: readonly string[];
  statements: number;
  /** By kind of target. */
  readonly byTarget: Map<string, number>;
  /** By entry of the list of what may differ. */
  readonly allowed: Map<string, number>;
}

export function newCounts(ignored: readonly string[] = []): Counts {
  return { ignored, statements: 0, byTarget: new Map(), allowed: new Map() };
}

export function count(counts: Map<string, number>, key: string, by = 1): void {
  counts.set(key, (counts.get(key) ?? 0) + by);
}

/**
 * Runs a case on SQLite itself and on one target. Gives the first difference, after which the two databases may be
 * different ones.
 */
export async function runCase(
  sqlite: Sqlite,
  target: Target,
  { seed, setup, steps }: Case,
  counts = newCounts(),
): Promise<Difference | undefined> {
  const oracle = new Oracle(sqlite);
  const session = await target.open();
  const base = { seed, target, oracle, session, counts };
  try {
    const prepare = { id: -1, mode: 'script', statements: setup } as const;
    const begun = await runSetup(base, prepare);
    if (begun !== undefined) return begun;
    for (const step of steps) {
      const difference = await runStep(base, step);
      if (difference === 'parted') return undefined;
      if (difference !== undefined) return difference;
    }
    const dump = await compareDumps(oracle, target, session);
    const end: Step = { id: steps.length, mode: 'script', statements: [] };
    return dump && { target, step: end, path: 'at the end', statement: undefined, ...dump };
  } finally {
    oracle.close();
    await session.close();
  }
}

interface Run {
  readonly seed: number;
  readonly target: Target;
  readonly oracle: Oracle;
  readonly session: Session;
  readonly counts: Counts;
}

/** What fails in the setup fails on both; then the rest is tried. */
async function runSetup(
  run: Run,
  setup: { readonly id: number; readonly mode: 'script'; readonly statements: readonly Statement[] },
): Promise<Difference | undefined> {
  let left = setup.statements;
  while (left.length > 0) {
    const step: Step = { ...setup, statements: left };
    const expected = expect(run.oracle, step, undefined);
    const script = left.map(({ sql }) => `${sql};`).join('\n');
    const outcome = await run.session
      .run({ ...step, statements: [{ sql: script, args: [] }] }, new Random(0))
      .catch(failed);
    const done = expected.answers.length;
    count(run.counts.byTarget, run.target.place, done);
    run.counts.statements += done;
    const failure = outcome.error;
    if ((failure === undefined) !== (expected.failed === undefined)) {
      return {
        ...{ target: run.target, step, path: outcome.path, statement: left[done - 1], field: 'failure' },
        ...{ expected: expected.failed?.refusal.message ?? 'none', actual: String(failure ?? 'none') },
      };
    }
    left = expected.failed === undefined ? [] : left.slice(done);
  }
  return undefined;
}

function failed(error: unknown): StepOutcome {
  return { path: 'unknown', outcomes: [], error };
}

async function runStep(run: Run, given: Step): Promise<Difference | 'parted' | undefined> {
  const { target, oracle, session, counts, seed } = run;
  const built = given.mode === 'built' ? compileBuilt(given.query) : undefined;
  // Who builds no queries runs the SQL of the one who does.
  const step: Step =
    built !== undefined && target.builder === 'core'
      ? { id: given.id, mode: 'single', statements: [built] }
      : given;
  const expected = expect(oracle, step, built);
  const outcome = await session
    .run(step, new Random(seedOf(`${seed} ${target.name} ${step.id}`)))
    .catch(failed);
  counts.statements += expected.answers.length;
  count(counts.byTarget, target.place, expected.answers.length);
  const statements = statementsOf(step, built);
  for (const difference of compareStep(target, step, expected, outcome, statements)) {
    if (counts.ignored.includes(difference.field)) continue;
    const allowed = ALLOWED.find((entry) => entry.is(difference));
    if (allowed === undefined) return difference;
    count(counts.allowed, allowed.reason);
    if (allowed.parts === true) return 'parted';
  }
  const dump = changesSilently(step, expected) ? await compareDumps(oracle, target, session) : undefined;
  return dump && { target, step, path: outcome.path, statement: statements[0], ...dump };
}

/** Whether a step may leave something behind that its outcome does not show. */
function changesSilently({ mode, id }: Step, { answers }: Expected): boolean {
  if (mode === 'single')
    return answers.some(({ error }) => error?.code !== undefined && (error.code & 0xff) === 19);
  return mode !== 'built' && mode !== 'elsewhere' && Math.floor(id) % 3 === 0;
}

function statementsOf(step: Step, built: Statement | undefined): readonly Statement[] {
  if (step.mode === 'built') return built === undefined ? [] : [built];
  if (step.mode === 'many') return step.rows.map((args) => ({ sql: insertOf(step), args }));
  return step.statements;
}
