import type { Difference } from './compare.js';
import type { Target } from './outcome.js';
import { makeReference, type Sqlite } from './reference.js';
import { newCounts, runCase } from './run-case.js';
import type { Case, Statement, Step } from './statement.js';

/** What has to stay the same while a case becomes smaller. */
export function signatureOf({ field, path, expected, actual }: Difference): string {
  // Another failure is another difference.
  const messages = field === 'error.message' || field === 'failure' ? [expected, actual] : [];
  return [field, path, ...messages.map((text) => /^\W*\w*\W*\w*/.exec(text)?.[0])].join('; ');
}

/** The least case that still shows the difference, as far as it is found within `patience` ms. */
export async function shrink(
  sqlite: Sqlite,
  target: Target,
  whole: Case,
  found: Difference,
  { patience, ignored = [] }: { readonly patience: number; readonly ignored?: readonly string[] },
): Promise<{ readonly smallest: Case; readonly difference: Difference }> {
  const end = Date.now() + patience;
  const wanted = signatureOf(found);
  let best = { smallest: whole, difference: found };
  const attempt = async (smaller: Case): Promise<boolean> => {
    if (Date.now() > end) return false;
    const reference = makeReference(sqlite, smaller);
    if (!reference.readable) return false;
    const difference = await runCase(reference, target, newCounts(ignored)).catch(() => undefined);
    if (difference === undefined || signatureOf(difference) !== wanted) return false;
    best = { smallest: smaller, difference };
    return true;
  };
  const at = whole.steps.findIndex(({ id }) => id === found.step.id);
  if (at !== -1) await attempt({ ...whole, steps: whole.steps.slice(0, at + 1) });
  for (let before = ''; before !== sizeOf(best.smallest) && Date.now() < end; ) {
    before = sizeOf(best.smallest);
    await removeSome(best.smallest.steps, (steps) => attempt({ ...best.smallest, steps }));
    await removeSome(best.smallest.setup, (setup) => attempt({ ...best.smallest, setup }));
    await shrinkSteps(() => best.smallest, attempt);
    await shrinkTexts(() => best.smallest, attempt);
  }
  return best;
}

function sizeOf({ setup, steps }: Case): string {
  return JSON.stringify([setup, steps], (_, value: unknown) =>
    typeof value === 'bigint' ? String(value) : value,
  );
}

/** Leaves out half of a list, then a quarter, and so on down to single entries. */
async function removeSome<T>(
  list: readonly T[],
  attempt: (smaller: readonly T[]) => Promise<boolean>,
): Promise<void> {
  let left = list;
  for (let size = Math.ceil(left.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    for (let at = left.length - size; at > -size; at -= size) {
      const begin = Math.max(0, at);
      const smaller = [...left.slice(0, begin), ...left.slice(begin + size)];
      if (smaller.length < left.length && (await attempt(smaller))) left = smaller;
    }
  }
}

/** Statements within a step. */
async function shrinkSteps(now: () => Case, attempt: (smaller: Case) => Promise<boolean>): Promise<void> {
  for (let i = now().steps.length - 1; i >= 0; i--) {
    const step = now().steps[i];
    if (step === undefined) continue;
    const put = (smaller: Step): Promise<boolean> =>
      attempt({ ...now(), steps: now().steps.with(i, smaller) });
    if (step.mode === 'many') await removeSome(step.rows, (rows) => put({ ...step, rows }));
    else if (
      step.mode === 'batch' ||
      step.mode === 'script' ||
      step.mode === 'migrate' ||
      step.mode === 'transaction'
    )
      await removeSome(step.statements, (statements) => put({ ...step, statements }));
  }
}

const TOKEN = /\s*(?:'(?:[^']|'')*'|"(?:[^"]|"")*"|[\w$]+|[<>=|!-]+|.)/gsu;

/** Words within statements without parameters. */
async function shrinkTexts(now: () => Case, attempt: (smaller: Case) => Promise<boolean>): Promise<void> {
  const shorten = async (
    { sql, args }: Statement,
    put: (smaller: Statement) => Promise<boolean>,
  ): Promise<void> => {
    // Without its condition a recursion does not end.
    if (Object.keys(args).length > 0 || /\brecursive\b/i.test(sql)) return;
    await removeSome(sql.match(TOKEN) ?? [], async (tokens) => {
      const text = tokens.join('');
      // A text without a statement is refused before SQLite sees it.
      return text.trim() !== '' && (await put({ sql: text, args }));
    });
  };
  for (const [i] of now().setup.entries()) {
    await shorten(now().setup[i] as Statement, (smaller) =>
      attempt({ ...now(), setup: now().setup.with(i, smaller) }),
    );
  }
  for (const [i, step] of now().steps.entries()) {
    if (!('statements' in step)) continue;
    for (const [j, statement] of step.statements.entries()) {
      const put = (smaller: Statement): Promise<boolean> => {
        const current = now().steps[i] as Step & { statements: readonly Statement[] };
        const changed = { ...current, statements: current.statements.with(j, smaller) } as Step;
        return attempt({ ...now(), steps: now().steps.with(i, changed) });
      };
      await shorten(statement, put);
    }
  }
}
