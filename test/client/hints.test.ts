import { sql } from 'drizzle-orm';
import { CompiledQuery, Kysely } from 'kysely';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createClient } from '../../src/client/index.js';
import { drizzle } from '../../src/dialect/drizzle/index.js';
import { TursoDialect } from '../../src/dialect/kysely/index.js';
import { open } from '../../src/index.js';
import { rejection } from '../support/outcome.js';

const TWO = 'select 1; select 2';
const LONG = `insert into nowhere values ('${'x'.repeat(20_000)}')`;

/** What runs a text through each interface, and through its batch. */
function interfaces(): Record<
  string,
  { run(text: string): Promise<unknown>; batch(text: string): Promise<unknown> }
> {
  const database = open(':memory:');
  const client = createClient({ url: ':memory:' });
  const db = drizzle(':memory:');
  const kysely = new Kysely({ dialect: new TursoDialect(':memory:') });
  onTestFinished(async () => {
    client.close();
    await Promise.all([database.close(), db.$client.close(), kysely.destroy()]);
  });
  return {
    database: { run: (text) => database.execute(text), batch: (text) => database.batch([text]) },
    client: { run: (text) => client.execute(text), batch: (text) => client.batch([text]) },
    drizzle: { run: (text) => db.run(sql.raw(text)), batch: (text) => db.batch([db.run(sql.raw(text))]) },
    kysely: {
      run: (text) => kysely.executeQuery(CompiledQuery.raw(text)),
      batch: (text) => kysely.executeQuery(CompiledQuery.raw(text)),
    },
  };
}

describe('a message names the method of the interface that is used', () => {
  it.each([
    ['database', 'script()'],
    ['client', 'executeMultiple()'],
    ['drizzle', '$client.executeMultiple()'],
    ['kysely', 'script() of clientOf(db)'],
  ])('%s: %s', async (name, script) => {
    const { run, batch } = interfaces()[name] as ReturnType<typeof interfaces>[string];
    for (const way of [run, batch]) {
      expect(await messageOf(way(TWO))).toContain(`only one can be executed; use ${script} to run all`);
      expect(await messageOf(way('begin'))).toContain(
        `BEGIN controls a transaction; use transaction(), batch() or ${script} instead`,
      );
    }
  });

  it('in a script and for a large insert of a client', async () => {
    const client = createClient({ url: ':memory:' });
    const failed = await messageOf(client.executeMultiple('select ?'));
    expect(failed).toContain('a script takes no parameters; use execute() or batch()');
    expect(await messageOf(client.execute(LONG))).toMatch(/; batch\(\) inserts many rows in pieces\)$/);
    const tx = await client.transaction();
    expect(await messageOf(tx.execute(TWO))).toContain('use executeMultiple() to run all');
    tx.close();
    client.close();
  });
});

/** The message that a reader acts on: with Drizzle also that of the cause. */
async function messageOf(call: Promise<unknown>): Promise<string> {
  const { message, cause } = (await rejection(call)) as Error;
  if (cause instanceof Error && message.startsWith('Failed query')) expect(message).toContain(cause.message);
  return message;
}
