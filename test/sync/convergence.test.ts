import { expect, it } from 'vitest';
import { type Database, NetworkError, SyncError } from '../../src/index.js';
import { randomFrom } from '../support/random.js';
import { replicaScene } from '../support/replica.js';

/** A write as SQL with a row that three parties fight for. */
function randomWrite(random: () => number): { sql: string; args: (string | number)[] } {
  const id = Math.floor(random() * 200);
  const text = String(random());
  const kind = random();
  if (kind < 0.5) return { sql: 'insert or replace into items values (?, ?)', args: [id, text] };
  if (kind < 0.8) return { sql: 'update items set name = ? where id = ?', args: [text, id] };
  return { sql: 'delete from items where id between ? and ?', args: [id, id + 3] };
}

async function contents(database: Pick<Database, 'execute'>): Promise<unknown[]> {
  return (await database.execute('select * from items order by id', [], { rowMode: 'array' })).rows;
}

it.each([
  [1_000, 'in order', 0],
  [300, 'with the connections cut all the time', 61],
])(
  'two replicas and their server agree after %i writes from all three, %s',
  { timeout: 120_000 },
  async (writes, _, cutEvery) => {
    const { open, outside, proxy } = await replicaScene();
    const config = { networkRetry: 8, afterWrite: 'lazy', syncInterval: 0.05 } as const;
    const replicas = [open({ name: 'one', ...config }), open({ name: 'two', ...config })];
    await Promise.all(replicas.map((replica) => replica.ready()));
    await outside.execute('create table log (n integer)');
    const cutting = cutEvery > 0 ? setInterval(() => void proxy.cut(), cutEvery) : undefined;
    const unknown: unknown[] = [];
    const write = async (replica: Database, random: () => number): Promise<void> => {
      const { sql, args } = randomWrite(random);
      try {
        if (random() < 0.2) {
          await replica.transaction(async (tx) => {
            await tx.execute(sql, args);
            await tx.execute('insert into log values (1)');
          });
        } else await replica.batch([{ sql, args }, 'insert into log values (1)']);
      } catch (error) {
        if (cutEvery === 0) throw error;
        unknown.push(error);
      }
    };
    const party = async (seed: number, run: (random: () => number) => Promise<unknown>): Promise<void> => {
      const random = randomFrom(seed);
      for (let i = 0; i < writes / 3; i++) await run(random);
    };
    await Promise.all([
      ...replicas.map((replica, i) => party(i + 1, (random) => write(replica, random))),
      party(3, (random) => {
        const { sql, args } = randomWrite(random);
        return outside.batch([{ sql, args }, 'insert into log values (1)']);
      }),
    ]);
    clearInterval(cutting);
    await Promise.all(replicas.map((replica) => replica.flush()));
    for (const replica of replicas) {
      await replica.sync().catch((error: unknown) => {
        // The last cut may have met this one.
        if (!(error instanceof SyncError || error instanceof NetworkError)) throw error;
        return replica.sync();
      });
    }
    const expected = (await outside.execute('select * from items order by id')).rows.map((row) =>
      Array.from(row),
    );
    for (const replica of replicas) {
      expect(await contents(replica)).toEqual(expected);
      expect((await replica.execute('pragma integrity_check')).rows).toEqual([{ integrity_check: 'ok' }]);
    }
    const logged = Number((await outside.execute('select count(*) as n from log')).rows[0]?.['n']);
    const all = 3 * Math.ceil(writes / 3);
    expect(logged).toBeLessThanOrEqual(all);
    expect(logged).toBeGreaterThanOrEqual(all - unknown.length);
  },
);
