// Syncs a replica once, and again when its server is gone; ends without closing it.
import { DatabaseError, open } from '../../../src/index.js';

const [syncUrl = '', url = ''] = process.argv.slice(2);

const database = open({ url, syncUrl, networkRetry: 0 });
await database.ready();
process.send?.('synced');
process.once('message', () => void syncAgain());

async function syncAgain(): Promise<void> {
  try {
    await database.sync();
  } catch (error) {
    process.stdout.write(`${error instanceof DatabaseError ? error.code : String(error)}\n`);
  }
  process.disconnect();
}
