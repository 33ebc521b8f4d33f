import path from 'node:path';
import { startServer } from '../../../scripts/server.mjs';
import { spawnTied } from '../../../scripts/spawn-tied.mjs';
import { startSqld } from '../sqld.js';

/** Starts servers in the ways that tests and scripts have, and a program, says so, then ends as it is asked to. They have a mark. */
const [folder = '', mark = ''] = process.argv.slice(2);
process.env.TMPDIR = folder;
process.env.PROCESSES_TEST = mark;
const script = await startServer(path.join(folder, 'script'));
const test = await startSqld({}, () => {});
spawnTied('sleep', ['1000'], { stdio: ['ignore', 'ignore', 'ignore'] });
process.once('message', (end) => {
  if (end === 'exit') process.exit(0);
  throw new Error('as asked');
});
process.send?.([script.url, test.url]);
