import { it } from 'vitest';
import { sql } from 'kysely';
import { Lock } from '../src/database/lock.js';
import { enclosingTransactions } from '../src/database/transaction-frame.js';
import { openKysely, USERS } from './dialect/kysely/scene.js';
it('x', async () => {
    const db = openKysely(':memory:');
    const see = (l: string) => console.log(l, [...enclosingTransactions()]);
    await sql.raw(USERS).execute(db);
    see('0');
    const transaction = db.transaction().execute(async (trx) => {
      see('in');
      await trx.insertInto('users').values({ name: 'Ada' }).execute();
      await new Promise((resolve) => setTimeout(resolve, 20));
    });
    see('1');
    await new Promise((resolve) => setTimeout(resolve, 5));
    see('2');
    await db.selectFrom('users').selectAll().execute().catch((e) => console.log(String(e.message).slice(0, 50)));
    await transaction;
});
