import type { Answer, Oracle, Refusal } from './oracle.js';
import { insertOf } from './core-session.js';
import type { Statement, Step } from './statement.js';

/** What SQLite itself does in a step. */
export interface Expected {
  /** Of each statement that was run; the last one may have failed. */
  readonly answers: readonly Answer[];
  /** What undid all of a batch, migration or the like. */
  readonly failed?: { readonly index: number; readonly refusal: Refusal };
  /** Whether the transaction was ended by one of its statements. */
  readonly lost: boolean;
}

const statement = (sql: string): Statement => ({ sql, args: [] });

/** Runs a step on SQLite itself. `built` is the SQL of a query that a builder makes. */
export function expect(oracle: Oracle, step: Step, built: Statement | undefined): Expected {
  switch (step.mode) {
    case 'single':
    case 'elsewhere':
      return { answers: [oracle.run(step.statements[0])], lost: false };
    case 'built':
      return { answers: [oracle.run(built as Statement)], lost: false };
    case 'script':
      return expectScript(oracle, step.statements);
    case 'batch':
    case 'migrate':
      return expectAtomic(oracle, step.statements);
    case 'many': {
      const sql = insertOf(step);
      return expectAtomic(
        oracle,
        step.rows.map((args) => ({ sql, args })),
      );
    }
    case 'transaction':
      return expectTransaction(oracle, step);
  }
}

function expectScript(oracle: Oracle, statements: readonly Statement[]): Expected {
  const answers: Answer[] = [];
  for (const [index, one] of statements.entries()) {
    const answer = oracle.run(one);
    answers.push(answer);
    if (answer.error !== undefined) return { answers, failed: { index, refusal: answer.error }, lost: false };
  }
  return { answers, lost: false };
}

function expectAtomic(oracle: Oracle, statements: readonly Statement[]): Expected {
  oracle.run(statement('BEGIN'));
  const done = expectScript(oracle, statements);
  if (!oracle.autocommit) oracle.run(statement(done.failed === undefined ? 'COMMIT' : 'ROLLBACK'));
  return done;
}

function expectTransaction(oracle: Oracle, step: Step & { mode: 'transaction' }): Expected {
  const answers: Answer[] = [];
  oracle.run(statement('BEGIN'));
  for (const [index, one] of step.statements.entries()) {
    if (index === step.nestedFrom) oracle.run(statement('SAVEPOINT nested'));
    answers.push(oracle.run(one));
    if (oracle.autocommit) return { answers, lost: true };
  }
  if (step.nestedFrom !== undefined) {
    oracle.run(statement('ROLLBACK TO nested'));
    oracle.run(statement('RELEASE nested'));
  }
  oracle.run(statement(step.undo ? 'ROLLBACK' : 'COMMIT'));
  return { answers, lost: false };
}
