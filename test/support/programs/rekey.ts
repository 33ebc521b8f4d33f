import { open } from '../../../src/index.js';

/** Says that it begins, and encrypts `file` with another key. */
const [file = '', key = '', newKey = ''] = process.argv.slice(2);
const database = open({ url: file, encryptionKey: key });
await database.ready();
process.send?.('begins');
await database.rekey(newKey);
await database.close();
process.disconnect();
