import { expect, it, onTestFinished } from 'vitest';
import { resolveConfig } from '../../../src/config.js';
import { LibsqlEngine } from '../../../src/engine/libsql/engine.js';
import { analyze, type AnalyzedStatement } from '../../../src/sql/statement.js';
import { temporaryFile } from '../../support/database.js';
import { failure } from '../../support/outcome.js';

function statement(sql: string): AnalyzedStatement {
  return analyze(sql).statements[0] as AnalyzedStatement;
}

// SQLite's mark of an interrupt stays on a connection as long as a statement of it is open, and stops every other.
it('an interrupt that comes when the first row of a cursor is there stops that cursor, and no other statement', async () => {
  const connection = new LibsqlEngine(resolveConfig(temporaryFile())).connect();
  onTestFinished(() => connection.close());
  const few = statement('select value from generate_series(1, 10)');
  const running = connection.openCursor(few, [], { interruptible: true });
  // The other thread is done, which this one hears of only in its next turn.
  const blockedUntil = performance.now() + 200;
  while (performance.now() < blockedUntil);
  connection.interrupt();
  const { code, kind } = await failure(Promise.resolve(running));
  const next = connection.execute(few, [], { fetch: 'all' });
  expect(await next).toMatchObject({ rows: Array.from({ length: 10 }, (_, i) => [i + 1]) });
  expect({ code, kind }).toEqual({ code: 'SQLITE_INTERRUPT', kind: 'interrupted' });
});
