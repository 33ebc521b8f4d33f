// @auth/drizzle-adapter: a sign-in, from the user to a session and a token that is used once.
import { DrizzleAdapter } from '@auth/drizzle-adapter';
import { drizzle } from 'turso-dialect/drizzle';

const db = drizzle(':memory:');
await db.$client.script(`
  create table user (id text primary key, name text, email text unique, emailVerified integer, image text);
  create table account (userId text not null references user(id) on delete cascade, type text not null,
    provider text not null, providerAccountId text not null, refresh_token text, access_token text, expires_at integer,
    token_type text, scope text, id_token text, session_state text, primary key (provider, providerAccountId));
  create table session (sessionToken text primary key, userId text not null references user(id) on delete cascade,
    expires integer not null);
  create table verificationToken (identifier text not null, token text not null, expires integer not null,
    primary key (identifier, token));
`);
const adapter = DrizzleAdapter(db);
const user = await adapter.createUser({ name: 'Ada', email: 'ada@example.com', emailVerified: new Date(5) });
await adapter.linkAccount({ userId: user.id, type: 'oauth', provider: 'github', providerAccountId: '1' });
const expires = new Date(1_900_000_000_000);
await adapter.createSession({ userId: user.id, sessionToken: 'token', expires });
await adapter.updateUser({ id: user.id, name: 'Ada L.' });
const found = await adapter.getSessionAndUser('token');
const byAccount = await adapter.getUserByAccount({ provider: 'github', providerAccountId: '1' });
await adapter.createVerificationToken({ identifier: 'ada', token: 'once', expires });
const used = await adapter.useVerificationToken({ identifier: 'ada', token: 'once' });
const again = await adapter.useVerificationToken({ identifier: 'ada', token: 'once' });
await adapter.deleteUser(user.id);
const left = await db.get('select (select count(*) from account) + (select count(*) from session) as n');
await db.$client.close();
const facts = {
  names: [found.user.name, byAccount.email],
  dates: [found.session.expires.getTime(), found.user.emailVerified.getTime()],
  used: [used.token, again],
  left,
};
console.log(`RESULT ${JSON.stringify(facts)}`);
