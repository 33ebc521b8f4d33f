import { open } from '../../../src/index.js';

/** Bytes in the text of a statement that a restricted view has explained to it, which would end the process as TEXT. */
await using db = open(':memory:');
await db.execute('create table t (a, b)');
const view = db.restricted([{ effect: 'allow' }]);
await view.execute("insert into t values (1, x'ae30')");
const [row] = (await view.execute<{ b: Uint8Array; n: number }>("select b, b = x'ae30' as n from t")).rows;
console.log(Buffer.from(row?.b ?? []).toString('hex'), row?.n);
