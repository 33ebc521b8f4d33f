import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { join } from 'node:path';
import { open } from 'turso-dialect';
import { measure } from '../measure.mjs';

const ROWS = 10_000;
const OPERATIONS = 2_000;
const CHANNEL = 'turso-dialect:statement';

/**
 * What the things that are free of cost while nobody uses them cost when somebody does: `ours` uses none of them.
 *
 * @param {string} folder
 */
export async function hookCases(folder) {
  const handle = async (name) => {
    const db = open(join(folder, `hooks-${name}.db`));
    await db.script('create table t (id integer primary key, name text, n integer)');
    await db.execute(`insert into t select value, 'name ' || value, value from generate_series(1, ${ROWS})`);
    return db;
  };
  const plain = await handle('plain');
  const listened = await handle('listened');
  const logged = open({ url: join(folder, 'hooks-plain.db'), logger: { logQuery() {} } });
  const guarded = plain.restricted([{ effect: 'allow', tables: ['t'] }]);
  let told = 0;
  listened.onChange(['t'], () => told++);

  const each = async (db, sql) => {
    for (let i = 1; i <= OPERATIONS; i++) await db.execute(sql, [((i * 7919) % ROWS) + 1]);
  };
  const select = (db) => () => each(db, 'select * from t where id = ?');
  const update = (db) => () => each(db, 'update t set n = n + 1 where id = ?');
  const observed = async (run) => {
    const listen = () => {};
    subscribe(CHANNEL, listen);
    await run();
    unsubscribe(CHANNEL, listen);
  };
  const results = [
    await measure('hooks: point select', OPERATIONS, {
      ours: select(plain),
      'with a logger': select(logged),
      'with a subscriber': () => observed(select(plain)),
      restricted: select(guarded),
    }),
    await measure('hooks: update of one row', OPERATIONS, {
      ours: update(plain),
      'with a listener': update(listened),
      restricted: update(guarded),
    }),
  ];
  for (const db of [plain, listened, logged]) await db.close();
  if (told === 0) throw new Error('the listener was told nothing');
  return results;
}
