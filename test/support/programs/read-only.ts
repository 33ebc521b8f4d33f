// Reads a file that its process may not write: <file>. Prints the rows, the journal mode and what a write fails with.
import { open } from '../../../src/index.js';

const [, , file = ''] = process.argv;

// The driver is loaded while its files can be read for certain.
const memory = open(':memory:');
await memory.execute('select 1');
// Nothing keeps root from writing.
if (process.getuid?.() === 0) process.setuid?.(65_534);
const db = open(file);
const { rows } = await db.execute('select a from t');
const mode = await db.pragma.journalMode();
const refused = await db.execute('insert into t values (2)').then(
  () => 'nothing',
  (error: Error) => error.name,
);
await db.close();
console.log(JSON.stringify({ rows, mode, refused }));
