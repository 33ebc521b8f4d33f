import { describe, expect, it, onTestFinished } from 'vitest';
import { type Database, open } from '../../../src/index.js';
import { collect, failure } from '../../support/outcome.js';
import { startSqld } from '../../support/sqld.js';
import { gate } from '../../support/time.js';

/** How many streams are opened in turn; `STREAMS=5000` for a longer run. */
const STREAMS = Number(process.env['STREAMS'] ?? 500);

/** How many are broken off, of each kind. */
const BROKEN = STREAMS / 5;

/** Close to the 128 streams that the server allows. */
const SESSIONS = 120;

const ROWS = 'with recursive c(x) as (select 1 union all select x + 1 from c limit 3000) select x from c';

async function broken(database: Database, kind: number): Promise<void> {
  if (kind === 0) {
    for await (const row of database.stream(ROWS)) {
      void row;
      break;
    }
    return;
  }
  if (kind === 1) {
    const controller = new AbortController();
    const reading = collect(
      database.stream(`${ROWS}, c as d limit 1000000`, [], { signal: controller.signal }),
    );
    setTimeout(() => controller.abort(), 2);
    await failure(reading);
    return;
  }
  if (kind === 2) await failure(collect(database.stream('select abs(-9223372036854775808)')));
  else await failure(collect(database.stream('select * from missing')));
}

describe.each(['http', 'ws'] as const)('%s', (protocol) => {
  it('what is opened at the server is closed there, however it ends: afterwards 120 sessions at a time are possible', {
    timeout: 60_000 + STREAMS * 60,
  }, async () => {
    const sqld = await startSqld();
    const url = protocol === 'http' ? sqld.url : sqld.wsUrl;
    const database = open({ url, networkRetry: 0, concurrency: SESSIONS / 2 });
    const other = open({ url, networkRetry: 0, concurrency: SESSIONS / 2 });
    onTestFinished(async () => {
      await database.close();
      await other.close();
    });
    for (let i = 0; i < STREAMS; i++) {
      expect(await collect(database.stream('select ? as i', [i]))).toEqual([{ i }]);
    }
    for (let i = 0; i < BROKEN; i++) await broken(database, i % 4);
    for (let i = 0; i < BROKEN; i++) {
      await database.transaction((tx) => tx.execute('select 1')).catch(() => {});
      await failure(database.transaction((tx) => tx.execute('select * from missing')));
      await failure(database.batch(['select 1', 'select * from missing']));
    }
    let begun = 0;
    const all = gate();
    const session = (_: unknown, index: number): Promise<unknown> =>
      (index % 2 === 0 ? database : other).transaction(
        async (tx) => {
          await tx.execute('select 1');
          if (++begun === SESSIONS) all.open();
          // All of them are open at the same time.
          await all.opened;
          await tx.execute('select 1');
        },
        { behavior: 'read' },
      );
    await Promise.all(Array.from({ length: SESSIONS }, session));
    expect(begun).toBe(SESSIONS);
  });
});
