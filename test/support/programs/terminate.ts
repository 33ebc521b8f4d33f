import { Worker } from 'node:worker_threads';

/**
 * Starts a thread that runs a statement without an end off-thread, and terminates it. argv: the module, `stop` if the thread
 * interrupts the statement first. Prints whether the thread had ended a second later; then kills this process.
 */
const [module = '', how = ''] = process.argv.slice(2);
const program = `
  const { parentPort, workerData } = require('node:worker_threads');
  import(workerData.module).then(async ({ open }) => {
    const db = open(':memory:');
    await db.ready();
    const sql = 'with recursive c(n) as (select 1 union all select n + 1 from c) select count(*) from c';
    db.execute(sql, [], { timeout: 600_000 }).catch((error) => parentPort.postMessage(error.code));
    setTimeout(() => (workerData.stop ? db.interrupt() : parentPort.postMessage('running')), 100);
  });`;
// This program itself is a module from standard input.
const worker = new Worker(program, {
  eval: true,
  workerData: { module, stop: how === 'stop' },
  execArgv: [],
});
const message = (): Promise<unknown> => new Promise((resolve) => worker.once('message', resolve));
console.log(await message());
const ended = worker.terminate().then(() => 'ended');
console.log(await Promise.race([ended, new Promise((resolve) => setTimeout(resolve, 1_000, 'waits'))]));
// `process.exit()` would wait for the thread too.
process.kill(process.pid, 'SIGKILL');
