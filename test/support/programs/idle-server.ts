// Asks a server over WebSocket once and closes nothing: the process has to end by itself.
import { open } from '../../../src/index.js';

const db = open(process.argv[2] as string);
await db.execute('select 1');
await db.transaction((tx) => tx.execute('select 1'));
process.disconnect?.();
console.log('asked');
