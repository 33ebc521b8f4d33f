import { insertOf } from './core-session.js';
import { type Dump, dumpOf } from './dump.js';
import { expect, type Expected } from './expected.js';
import { compileBuilt } from './kysely-session.js';
import { Oracle } from './oracle.js';
import type { Case, Statement, Step } from './statement.js';

export type Sqlite = ConstructorParameters<typeof Oracle>[0];

/** What SQLite itself does in a case; asked once, however many targets are compared with it. */
export interface Reference {
  readonly seed: number;
  /** The setup as scripts, each of which ends with a failure or with the setup. */
  readonly setup: readonly ReferenceStep[];
  readonly steps: readonly ReferenceStep[];
  /** Everything that is there at the end. */
  readonly end: Dump;
  /** Whether targets can read all of it. */
  readonly readable: boolean;
}

/** What SQLite itself does in a step. */
export interface ReferenceStep {
  readonly step: Step;
  readonly statements: readonly Statement[];
  readonly expected: Expected;
  /** Everything that is there afterwards, where the outcome does not show it. */
  readonly dump: Dump | undefined;
}

/** Runs a case on SQLite itself. */
export function makeReference(sqlite: Sqlite, { seed, setup, steps }: Case): Reference {
  const oracle = new Oracle(sqlite);
  try {
    const done: ReferenceStep[] = [];
    for (let left = setup; left.length > 0; ) {
      const expected = expect(oracle, { id: -1, mode: 'script', statements: left }, undefined);
      const statements = left.slice(0, expected.answers.length);
      done.push({ step: { id: -1, mode: 'script', statements }, statements, expected, dump: undefined });
      left = left.slice(statements.length);
    }
    const references = steps.map((step): ReferenceStep => {
      const statements = statementsOf(step);
      const expected = expect(oracle, step, statements[0]);
      return {
        step,
        statements,
        expected,
        dump: changesSilently(step, expected) ? dumpOf(oracle) : undefined,
      };
    });
    const end = dumpOf(oracle);
    return { seed, setup: done, steps: references, end, readable: oracle.readable };
  } finally {
    oracle.close();
  }
}

function statementsOf(step: Step): readonly Statement[] {
  if (step.mode === 'built') return [compileBuilt(step.query)];
  if (step.mode === 'many') return step.rows.map((args) => ({ sql: insertOf(step), args }));
  return step.statements;
}

/** Whether a step may leave something behind that its outcome does not show. */
function changesSilently({ mode, id }: Step, { answers }: Expected): boolean {
  if (mode === 'single')
    return answers.some(({ error }) => error !== undefined && (error.code & 0xff) === 19);
  return mode !== 'built' && mode !== 'elsewhere' && Math.floor(id) % 3 === 0;
}
