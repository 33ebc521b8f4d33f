/** Increments a counter: read, then write one more, each time in a transaction. argv: path, times. */
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { open } from 'turso-dialect';

const [, , path, times] = process.argv;
const db = open(path);
await db.ready();
const delay = monitorEventLoopDelay({ resolution: 5 });
delay.enable();
for (let i = 0; i < Number(times); i++) {
  await db.transaction(async (tx) => {
    const { rows } = await tx.execute('select n from counter');
    await tx.execute('update counter set n = ?', [rows[0].n + 1]);
  });
}
delay.disable();
await db.close();
console.log(JSON.stringify({ stall: delay.max / 1e6 }));
