import { DatabaseError } from './errors.js';

/** What an application calls: a client like `@libsql/client`'s, Drizzle or Kysely. */
export type Interface = 'client' | 'drizzle' | 'kysely';

/** What the methods of our `Database`, of which messages speak, are called there. Others have the same name. */
const CALLS: Readonly<Record<Interface, Readonly<Record<string, string>>>> = {
  client: {
    script: 'executeMultiple()',
    insertMany: 'batch()',
    stream: 'LIMIT, or open() of "turso-dialect" and its stream()',
    rekey: 'rekey() of a database that was opened by open()',
  },
  drizzle: { script: '$client.executeMultiple()', execute: 'run()', rekey: '$client.rekey()' },
  kysely: { script: 'script() of clientOf(db)', rekey: 'rekey() of clientOf(db)' },
};

/** A message in the words of the interface that its reader uses. */
export function inWordsOf(reader: Interface, message: string): string {
  const calls = CALLS[reader];
  return message.replace(/(?<![\w.$])(\w+)\(\)(?! of )/g, (call, name: string) =>
    Object.hasOwn(calls, name) ? (calls[name] as string) : call,
  );
}

/** An error whose message is in the words of the interface that its reader uses. */
export function withWordsOf(reader: Interface, error: unknown): unknown {
  if (error instanceof DatabaseError) error.message = inWordsOf(reader, error.message);
  return error;
}
