import { setTimeout as sleep } from 'node:timers/promises';
import { type Config, open } from '../../src/index.js';

/** What somebody has seen who used a replica. */
export interface PartyReport {
  readonly written: number;
  readonly reads: number;
  /** What must not be. */
  readonly wrong: readonly string[];
}

/**
 * Writes rows to `items` through a replica and reads them: own writes are there, numbers never go back, the file is
 * whole.
 *
 * @param options - `name` of the rows, how long, and the pause between two writes in ms
 */
export async function party(
  config: Config,
  { name, ms, pause }: { readonly name: string; readonly ms: number; readonly pause: number },
): Promise<PartyReport> {
  const database = open(config);
  const wrong: string[] = [];
  let written = 0;
  let reads = 0;
  let most = 0;
  const count = async (): Promise<number> => {
    const { rows } = await database.execute('select count(*) as n from items');
    reads++;
    return Number(rows[0]?.['n']);
  };
  let end = 0;
  try {
    await database.ready();
    end = performance.now() + ms;
    for (let i = 0; performance.now() < end; i++) {
      await database.execute('insert into items (name) values (?)', [`${name} ${i}`]);
      written++;
      const own = await database.execute('select 1 from items where name = ?', [`${name} ${i}`]);
      if (own.rows.length !== 1) wrong.push(`own write ${i} was not seen`);
      const all = await count();
      if (all < most) wrong.push(`${all} rows after ${most}`);
      most = Math.max(most, all);
      if (pause > 0) await sleep(pause);
    }
    await database.sync();
    const { rows } = await database.execute('pragma integrity_check');
    if (rows[0]?.['integrity_check'] !== 'ok') wrong.push(`integrity: ${JSON.stringify(rows)}`);
  } catch (error) {
    wrong.push(String(error));
  }
  await database.close();
  return { written, reads, wrong };
}
