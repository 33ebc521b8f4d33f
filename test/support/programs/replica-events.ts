// Follows a replica that another process syncs; syncs it at every message, and answers with what `onSync` was told.
import { open } from '../../../src/index.js';

const [syncUrl = '', url = ''] = process.argv.slice(2);

const replaced: boolean[] = [];
const database = open({ url, syncUrl, onSync: (event) => replaced.push(event.replaced) });
await database.ready();
process.send?.('ready');
process.on('message', () => {
  replaced.length = 0;
  void database.sync().then(() => process.send?.(replaced));
});
process.on('disconnect', () => void database.close());
