import { ALLOWED } from './allowed.js';
import { compareStep, type Difference, told } from './compare.js';
import { compareDump } from './dump.js';
import { KNOWN } from './known.js';
import type { Session, StepOutcome, Target } from './outcome.js';
import { Random, seedOf } from './random.js';
import type { Reference, ReferenceStep } from './reference.js';
import type { Step } from './statement.js';

/** How often what was seen. */
export interface Counts {
  /** Fields that are not compared. */
  readonly ignored: readonly string[];
  statements: number;
  /** By place of the database. */
  readonly byTarget: Map<string, number>;
  /** By entry of the list of what may differ. */
  readonly allowed: Map<string, number>;
  /** By fault that is not mended yet. */
  readonly known: Map<string, number>;
}

export function newCounts(ignored: readonly string[] = []): Counts {
  return { ignored, statements: 0, byTarget: new Map(), allowed: new Map(), known: new Map() };
}

export function count(counts: Map<string, number>, key: string, by = 1): void {
  counts.set(key, (counts.get(key) ?? 0) + by);
}

/**
 * Runs a case on one target. Gives the first difference that is not listed, after which the two databases may be
 * different ones.
 */
export async function runCase(
  { seed, setup, steps, end }: Reference,
  target: Target,
  counts: Counts,
): Promise<Difference | undefined> {
  const session = await target.open();
  const run = { seed, target, session, counts };
  try {
    for (const segment of setup) {
      const difference = await runSetup(run, segment);
      if (difference !== undefined) return difference === 'parted' ? undefined : difference;
    }
    for (const step of steps) {
      const difference = await runStep(run, step);
      if (difference !== undefined) return difference === 'parted' ? undefined : difference;
    }
    const step: Step = { id: steps.length, mode: 'script', statements: [] };
    const last = await compareEnd(run, { step, statements: [], dump: end }, 'at the end');
    return last === 'parted' ? undefined : last;
  } finally {
    await session.close();
  }
}

interface Run {
  readonly seed: number;
  readonly target: Target;
  readonly session: Session;
  readonly counts: Counts;
}

/** Nothing, where both are the same. */
type Found = Difference | 'parted' | undefined;

/** A script, whatever its path is called. */
async function runSetup(run: Run, { step, statements, expected }: ReferenceStep): Promise<Found> {
  const sql = statements.map((statement) => `${statement.sql};`).join('\n');
  const script: Step = { id: -1, mode: 'script', statements: [{ sql, args: [] }] };
  const { path, error } = await run.session.run(script, new Random(0)).catch(failed);
  countStatements(run, statements.length);
  if ((error === undefined) === (expected.failed === undefined)) return undefined;
  const difference = {
    ...{ target: run.target, step, path, statement: statements.at(-1), field: 'failure' },
    ...{ expected: expected.failed?.refusal.message ?? 'none', actual: told(error, 'none') },
  };
  return judge(difference, run.counts) === 'unknown' ? difference : 'parted';
}

function countStatements({ counts, target }: Run, by: number): void {
  counts.statements += by;
  count(counts.byTarget, target.place, by);
}

function failed(error: unknown): StepOutcome {
  return { path: 'unknown', outcomes: [], error };
}

async function runStep(run: Run, reference: ReferenceStep): Promise<Found> {
  const { target, session, counts, seed } = run;
  const { statements, expected } = reference;
  const [statement] = statements;
  const { id, mode } = reference.step;
  // Who builds no queries runs the SQL of the one who does.
  const step: Step =
    mode === 'built' && target.builder === 'core' && statement !== undefined
      ? { id, mode: 'single', statements: [statement] }
      : reference.step;
  const random = new Random(seedOf(`${seed} ${target.name} ${id}`));
  const outcome = await session.run(step, random).catch(failed);
  countStatements(run, expected.answers.length);
  for (const difference of compareStep(target, step, expected, outcome, statements)) {
    const judgement = judge(difference, counts);
    if (judgement === 'unknown') return difference;
    if (judgement === 'parted') return 'parted';
  }
  return await compareEnd(run, reference, outcome.path);
}

async function compareEnd(
  { target, session, counts }: Run,
  { step, statements, dump }: Omit<ReferenceStep, 'expected'>,
  path: string,
): Promise<Found> {
  const different = dump && (await compareDump(dump, target, session));
  if (different === undefined) return undefined;
  const difference = { target, step, path, statement: statements[0], ...different };
  return judge(difference, counts) === 'unknown' ? difference : 'parted';
}

/** Whether a difference is none that is listed, and if it is, whether the databases may be different ones now. */
function judge(difference: Difference, counts: Counts): 'unknown' | 'fine' | 'parted' {
  if (counts.ignored.includes(difference.field)) return 'fine';
  const allowed = ALLOWED.find((entry) => entry.is(difference));
  if (allowed !== undefined) {
    count(counts.allowed, allowed.reason);
    return allowed.parts === true ? 'parted' : 'fine';
  }
  const known = KNOWN.find((entry) => entry.is(difference));
  if (known === undefined) return 'unknown';
  count(counts.known, known.fault);
  // What was refused was not done, or not where it should have been.
  return /^(?:failure|whether it fails|database|error\..*)$/.test(difference.field) ? 'parted' : 'fine';
}
