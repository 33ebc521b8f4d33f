// Syncs a replica again and again until it is killed.
import { open } from '../../../src/index.js';

const [syncUrl = '', url = ''] = process.argv.slice(2);

const database = open({ url, syncUrl });
await database.ready();
process.send?.('ready');
for (;;) await database.sync();
