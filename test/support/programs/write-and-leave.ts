import { open } from '../../../src/index.js';

/** Writes 2 MB to `file`, whose log is to be cut, and ends without closing anything. */
const [file = ''] = process.argv.slice(2);
const db = open({ url: file, walTruncate: { after: 60_000, above: 1 } });
await db.execute('insert into t (b) values (randomblob(2000000))');
process.disconnect();
