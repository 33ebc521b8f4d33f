import { spawnSync } from 'node:child_process';
import { createClient } from '@libsql/client';
import { Kysely } from 'kysely';
import { describe, expect, it, onTestFinished } from 'vitest';
import { fromClient } from '../../src/database/from-client.js';
import { type Database, DatabaseError } from '../../src/index.js';
import { TursoDialect } from '../../src/dialect/kysely/index.js';
import { openDatabase, openFile, temporaryFile } from '../support/database.js';
import { failure } from '../support/outcome.js';
import { replicaScene } from '../support/replica.js';
import { startSqld } from '../support/sqld.js';
import { gate, pause } from '../support/time.js';

/** Two handles on one file, of which the second waits for locks hardly at all. */
async function twoHandles(): Promise<{ db: Database; other: Database; file: string }> {
  const { db, file } = await openFile('create table t (a)');
  const other = openDatabase({ url: file, busyTimeout: 300 });
  await other.execute('insert into t values (0)');
  return { db, other, file };
}

const never = (): Promise<never> => new Promise(() => {});

/** Begins a transaction whose callback never settles. */
async function hang(db: Database, behavior: 'immediate' | 'deferred' | 'exclusive'): Promise<void> {
  const started = gate();
  const transaction = db.transaction(
    async (tx) => {
      await tx.execute('insert into t values (1)');
      started.open();
      await never();
    },
    { behavior },
  );
  transaction.catch(() => {});
  await started.opened;
}

describe('close() gives back the write lock', () => {
  it.each(['immediate', 'deferred', 'exclusive'] as const)(
    'of a transaction (%s) whose callback never settles',
    async (behavior) => {
      const { db, other } = await twoHandles();
      await hang(db, behavior);
      const waiting = other.execute('insert into t values (2)');
      await db.close();
      await waiting;
      await other.execute('insert into t values (3)');
      await other.transaction((tx) => tx.execute('insert into t values (4)'));
      expect((await other.execute('select a from t order by a')).rows).toEqual(
        [0, 2, 3, 4].map((a) => ({ a })),
      );
    },
  );

  it('to a handle that is opened while it closes', async () => {
    const { db, file } = await twoHandles();
    await hang(db, 'immediate');
    const closing = db.close();
    const next = openDatabase({ url: file, busyTimeout: 2_000 });
    await next.execute('insert into t values (5)');
    await closing;
    await next.execute('insert into t values (6)');
  });

  it('that a transaction wants for its first write after it', async () => {
    const { db, other } = await twoHandles();
    const started = gate();
    const go = gate();
    let result: unknown;
    const tried = gate();
    db.transaction(
      async (tx) => {
        await tx.execute('select * from t');
        started.open();
        await go.opened;
        result = await failure(tx.execute('insert into t values (1)'));
        tried.open();
        await never();
      },
      { behavior: 'deferred' },
    ).catch(() => {});
    await started.opened;
    await db.close();
    go.open();
    await tried.opened;
    expect(result).toBeInstanceOf(DatabaseError);
    await other.execute('insert into t values (2)');
  });

  it('of a script, a stream and a statement that are under way', async () => {
    const { db, other } = await twoHandles();
    const endless = 'with recursive n(i) as (select 1 union all select i + 1 from n)';
    const running = [
      db.script(
        `begin immediate; insert into t values (1); ${endless} insert into t select i from n; commit`,
        {
          timeout: 60_000,
        },
      ),
      db.execute(`${endless} insert into t select i from n`, [], { timeout: 60_000 }),
    ];
    const settled = Promise.allSettled(running);
    await pause(30);
    await db.close();
    await other.execute('insert into t values (2)');
    expect((await settled).map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    expect((await other.execute('select a from t order by a')).rows).toEqual([{ a: 0 }, { a: 2 }]);
  });

  it('of a transaction that begins while it closes', async () => {
    const { db, other } = await twoHandles();
    const begun = db.transaction(async (tx) => {
      await tx.execute('insert into t values (1)');
      await never();
    });
    const closing = db.close();
    expect((await failure(begun)).code).toBe('DATABASE_CLOSED');
    await closing;
    await other.execute('insert into t values (2)');
  });

  it('once: what settles later takes it from nobody', async () => {
    const { db, other, file } = await twoHandles();
    const started = gate();
    const go = gate();
    const transaction = db.transaction(async (tx) => {
      await tx.execute('insert into t values (1)');
      started.open();
      await go.opened;
    });
    transaction.catch(() => {});
    await started.opened;
    await db.close();
    const third = openDatabase({ url: file });
    await other.transaction(async (tx) => {
      await tx.execute('insert into t values (2)');
      go.open();
      await transaction.catch(() => {});
      const waiting = third.execute('insert into t values (3)');
      await tx.execute('insert into t values (4)');
      waiting.catch(() => {});
      await Promise.race([waiting, pause(20)]);
      expect((await tx.execute('select count(*) as n from t')).rows).toEqual([{ n: 3 }]);
    });
  });
});

describe("Kysely's destroy() gives back the write lock", () => {
  it.each(['its own database', 'a database that was handed in'])('of %s', async (whose) => {
    const { db, other, file } = await twoHandles();
    const kysely = new Kysely<{ t: { a: number } }>({
      dialect: new TursoDialect(whose === 'its own database' ? file : { database: db }),
    });
    const trx = await kysely.startTransaction().execute();
    await trx.insertInto('t').values({ a: 1 }).execute();
    await kysely.destroy();
    await other.execute('insert into t values (2)');
    expect((await other.execute('select a from t order by a')).rows).toEqual([{ a: 0 }, { a: 2 }]);
    await trx
      .rollback()
      .execute()
      .catch(() => {});
    if (whose !== 'its own database') await db.execute('insert into t values (3)');
  });
});

describe('close()', () => {
  it('leaves nothing that keeps the process', () => {
    const program = `
      import { open } from 'turso-dialect';
      const db = open('file:' + process.argv[1]);
      await db.script('create table t (a)');
      db.onChange('all', () => {});
      await db.watch(() => {});
      const stream = db.stream('select value from generate_series(1, 100000)');
      await stream.next();
      await new Promise((began) => {
        const hang = async (tx) => {
          await tx.execute('insert into t values (1)');
          began();
          await new Promise(() => {});
        };
        db.transaction(hang).catch(() => {});
      });
      void db.execute('insert into t values (2)').catch(() => {});
      await db.close();
      console.log('closed');
    `;
    const { stdout, stderr, status } = spawnSync(
      process.execPath,
      ['--input-type=module', '-e', program, temporaryFile()],
      { timeout: 10_000, encoding: 'utf8' },
    );
    expect(stderr).toBe('');
    expect(stdout).toBe('closed\n');
    expect(status).toBe(0);
  });
});

describe('a transaction whose database is closed', () => {
  it('does not say that it was committed', async () => {
    const server = await startSqld();
    const file = `file:${temporaryFile()}`;
    const { open: replica, sqld } = await replicaScene();
    const clients = [server.url, file].map((url) => createClient({ url }));
    onTestFinished(() => clients.forEach((client) => client.close()));
    const databases: Record<string, Database> = {
      memory: openDatabase({ url: ':memory:' }),
      file: openDatabase({ url: temporaryFile() }),
      http: openDatabase({ url: sqld.url }),
      ws: openDatabase({ url: server.wsUrl }),
      replica: replica(),
      'client of a server': fromClient(clients[0]),
      'client of a file': fromClient(clients[1]),
    };
    for (const [name, db] of Object.entries(databases)) {
      await db.execute('create table if not exists c (a)');
      const closed = db.transaction(async (tx) => {
        await tx.execute('insert into c values (1)');
        await db.close();
      });
      expect(await failure(closed), name).toMatchObject({ code: 'DATABASE_CLOSED' });
    }
  });
});
