// One node: signs the guest book ten times and waits until it sees what all nodes together have written.
//
//   node main.js <name> <file of the replica> <URL of the server> <entries to wait for>
import { openGuestbook } from './guestbook.js';

const [name = 'node', file = 'replica.db', syncUrl = 'http://127.0.0.1:8080', wanted = '10'] =
  process.argv.slice(2);

const guestbook = await openGuestbook(name, file, syncUrl, process.env['TURSO_AUTH_TOKEN']);
for (let i = 1; i <= 10; i++) {
  await guestbook.sign(`${name} was here for the ${i}. time`);
  const { own } = await guestbook.size();
  if (own < i) throw new Error(`${name} does not see what it wrote`);
}
while ((await guestbook.size()).all < Number(wanted)) {
  await new Promise((resolve) => setTimeout(resolve, 50));
}
const { all, own } = await guestbook.size();
console.log(`${name} sees ${all} entries, ${own} of its own`);
await guestbook.close();
