import { Kysely, sql } from 'kysely';
import { describe, expect, it } from 'vitest';
import { inBehavior, transaction, TursoDialect } from '../../../src/dialect/kysely/index.js';
import {
  BusyError,
  CapabilityError,
  ConfigError,
  type Database,
  InterruptedError,
  ReadOnlyError,
  TransactionError,
  TransactionLostError,
} from '../../../src/index.js';
import { isWriteLocked, openFile, type OpenFile } from '../../support/database.js';
import { holdLock } from '../../support/lock.js';
import { failure } from '../../support/outcome.js';
import { openKysely, type Tables, USERS } from './scene.js';

interface Scene extends OpenFile {
  readonly database: Database;
  readonly kysely: Kysely<Tables>;
}

async function scene(config = {}): Promise<Scene> {
  const file = await openFile(USERS, config);
  return { ...file, other: file.other, database: file.db, kysely: openKysely({ database: file.db }) };
}

const insert = (db: Kysely<Tables>, name: string) => db.insertInto('users').values({ name }).execute();
const names = (look: OpenFile['look']): unknown[] => look('select name from users order by id').flat();

describe("Kysely's transaction()", () => {
  it('commits, and rolls back with the error of the callback', async () => {
    const { kysely, look } = await scene();
    expect(await kysely.transaction().execute(async (trx) => insert(trx, 'a').then(() => 'done'))).toBe(
      'done',
    );
    const mine = new Error('mine');
    const failing = kysely.transaction().execute(async (trx) => {
      await insert(trx, 'b');
      throw mine;
    });
    await expect(failing).rejects.toBe(mine);
    expect(names(look)).toEqual(['a']);
  });

  it("'read only' is enforced", async () => {
    const { kysely, look, other } = await scene();
    await insert(kysely, 'a');
    const reading = kysely.transaction().setAccessMode('read only');
    await reading.execute(async (trx) => {
      other.exec("insert into users (name) values ('later')");
      expect(isWriteLocked(other)).toBe(false);
      expect(await trx.selectFrom('users').select('name').execute()).toHaveLength(2);
      other.exec("insert into users (name) values ('unseen')");
      expect(await trx.selectFrom('users').select('name').execute()).toHaveLength(2);
      expect(await failure(insert(trx, 'b'))).toBeInstanceOf(ReadOnlyError);
    });
    await insert(kysely, 'c');
    expect(names(look)).toEqual(['a', 'later', 'unseen', 'c']);
  });

  it("is 'serializable', and no other isolation level is to be had", async () => {
    const { kysely } = await scene();
    await kysely
      .transaction()
      .setIsolationLevel('serializable')
      .execute((trx) => insert(trx, 'a'));
    for (const level of ['read uncommitted', 'read committed', 'repeatable read', 'snapshot'] as const) {
      let called = false;
      const running = kysely
        .transaction()
        .setIsolationLevel(level)
        .execute(async () => {
          called = true;
        });
      expect(await failure(running)).toBeInstanceOf(CapabilityError);
      expect(called).toBe(false);
    }
  });

  it('takes its locks as the config says', async () => {
    for (const [behavior, locked] of [
      ['deferred', false],
      ['immediate', true],
      ['exclusive', true],
    ] as const) {
      const { database, other } = await scene();
      const kysely = openKysely({ database, transactionBehavior: behavior });
      await kysely.transaction().execute(async () => expect(isWriteLocked(other)).toBe(locked));
      await kysely
        .transaction()
        .setAccessMode('read write')
        .execute(async () => expect(isWriteLocked(other)).toBe(locked));
    }
    const { database, other } = await scene({ transactionBehavior: 'read' });
    const kysely = openKysely({ database });
    expect(await failure(kysely.transaction().execute((trx) => insert(trx, 'a')))).toBeInstanceOf(
      ReadOnlyError,
    );
    await kysely
      .transaction()
      .setAccessMode('read write')
      .execute(async () => expect(isWriteLocked(other)).toBe(true));
  });

  it('that was lost is not continued', async () => {
    const { kysely, look } = await scene();
    await insert(kysely, 'a');
    const losing = kysely.transaction().execute(async (trx) => {
      await failure(sql`insert or rollback into users (name) values ('a')`.execute(trx));
      expect(await failure(insert(trx, 'b'))).toBeInstanceOf(TransactionLostError);
    });
    await failure(losing);
    await insert(kysely, 'c');
    expect(names(look)).toEqual(['a', 'c']);
  });

  it('refuses BEGIN and COMMIT as SQL', async () => {
    const { kysely } = await scene();
    await kysely.connection().execute(async (db) => {
      for (const text of ['begin', 'commit', 'rollback', 'savepoint a']) {
        expect(await failure(sql.raw(text).execute(db))).toBeInstanceOf(TransactionError);
      }
    });
  });

  it('keeps the error of a failing commit', async () => {
    const { kysely, database, look } = await scene();
    await database.script('create table child (user integer references users deferrable initially deferred)');
    const failing = kysely.transaction().execute((trx) => sql`insert into child values (1)`.execute(trx));
    expect(await failure(failing)).toMatchObject({ constraint: 'foreignKey' });
    const controlled = await kysely.startTransaction().execute();
    await sql`insert into child values (1)`.execute(controlled);
    expect(await failure(controlled.commit().execute())).toMatchObject({ constraint: 'foreignKey' });
    await controlled.rollback().execute();
    await insert(kysely, 'a');
    expect(look('select count(*) from child')).toEqual([[0]]);
  });
});

describe('inBehavior', () => {
  it('begins transactions so, and leaves the original as it is', async () => {
    const { kysely, other } = await scene();
    await inBehavior(kysely, 'deferred')
      .transaction()
      .execute(async () => expect(isWriteLocked(other)).toBe(false));
    await inBehavior(kysely, 'exclusive')
      .transaction()
      .execute(async () => expect(isWriteLocked(other)).toBe(true));
    await kysely.transaction().execute(async () => expect(isWriteLocked(other)).toBe(true));
    const reading = inBehavior(kysely, 'read');
    expect(await failure(reading.transaction().execute((trx) => insert(trx, 'a')))).toBeInstanceOf(
      ReadOnlyError,
    );
    const controlled = await inBehavior(kysely, 'immediate').startTransaction().execute();
    expect(isWriteLocked(other)).toBe(true);
    await controlled.rollback().execute();
    await inBehavior(kysely, 'deferred')
      .connection()
      .execute((db) => db.transaction().execute(async () => expect(isWriteLocked(other)).toBe(false)));
  });

  it('keeps plugins, introspection and everything else', async () => {
    const { kysely } = await scene();
    const db = inBehavior(kysely, 'deferred');
    await insert(db, 'a');
    expect(await db.selectFrom('users').select('name').execute()).toEqual([{ name: 'a' }]);
    expect(await db.introspection.getTables()).toHaveLength(1);
    await db.destroy();
    await expect(insert(kysely, 'b')).rejects.toThrow('destroyed');
  });

  it('contradicts no access mode', async () => {
    const { kysely } = await scene();
    const write = inBehavior(kysely, 'exclusive').transaction().setAccessMode('read only');
    expect(await failure(write.execute(async () => {}))).toBeInstanceOf(TransactionError);
    const read = inBehavior(kysely, 'read').transaction().setAccessMode('read write');
    expect(await failure(read.execute(async () => {}))).toBeInstanceOf(TransactionError);
  });

  it('is refused where it has no meaning', async () => {
    const { kysely } = await scene();
    expect(() => inBehavior(kysely, 'now' as never)).toThrow(ConfigError);
    await kysely.transaction().execute(async (trx) => {
      expect(() => inBehavior(trx, 'deferred')).toThrow(TransactionError);
    });
    const concurrent = inBehavior(kysely, 'concurrent')
      .transaction()
      .execute(async () => {});
    expect(await failure(concurrent)).toBeInstanceOf(CapabilityError);
    const { SqliteDialect } = await import('kysely');
    const foreign = new Kysely({ dialect: new SqliteDialect({ database: {} as never }) });
    expect(() => inBehavior(foreign, 'deferred')).toThrow(ConfigError);
  });
});

describe('controlled transactions', () => {
  it('commit and roll back by hand', async () => {
    const { kysely, look, other } = await scene();
    const first = await kysely.startTransaction().execute();
    await insert(first, 'a');
    expect(isWriteLocked(other)).toBe(true);
    await first.commit().execute();
    const second = await kysely.startTransaction().execute();
    await insert(second, 'b');
    await second.rollback().execute();
    expect(isWriteLocked(other)).toBe(false);
    expect(names(look)).toEqual(['a']);
  });

  it('have savepoints, of any name', async () => {
    const { kysely, look } = await scene();
    const trx = await kysely.startTransaction().execute();
    await insert(trx, 'a');
    const odd = 'my "odd; name';
    const after = await trx.savepoint(odd).execute();
    await insert(after, 'b');
    const again = await after.savepoint('inner').execute();
    await insert(again, 'c');
    await again.rollbackToSavepoint('inner').execute();
    await insert(again, 'd');
    const released = await again.releaseSavepoint('inner').execute();
    expect(
      await failure(
        sql`select 1`.execute(trx).then(() => released.rollbackToSavepoint('inner' as never).execute()),
      ),
    ).toMatchObject({ kind: 'sql' });
    await released.rollbackToSavepoint(odd).execute();
    await insert(trx, 'e');
    await trx.commit().execute();
    expect(names(look)).toEqual(['a', 'e']);
  });
});

describe('our transaction()', () => {
  it('takes behavior, retry, signal and timeout', async () => {
    const { kysely, look, other, file } = await scene({ busyTimeout: 20 });
    await transaction(kysely, async () => expect(isWriteLocked(other)).toBe(false), { behavior: 'read' });
    let attempts = 0;
    const lock = await holdLock(file);
    const retried = transaction(
      kysely,
      async (trx) => {
        await trx.selectFrom('users').selectAll().execute();
        if (++attempts === 2) await lock.release();
        await insert(trx, 'a');
      },
      { behavior: 'deferred', retry: 5 },
    );
    await retried;
    expect(attempts).toBeGreaterThan(1);
    const slow = transaction(
      kysely,
      (trx) => sql`select count(*) from generate_series(1, 1e10)`.execute(trx),
      { timeout: 50 },
    );
    expect(await failure(slow)).toBeInstanceOf(InterruptedError);
    const controller = new AbortController();
    const aborted = transaction(
      kysely,
      (trx) => {
        setTimeout(() => controller.abort(), 20);
        return sql`select count(*) from generate_series(1, 1e10)`.execute(trx);
      },
      { signal: controller.signal },
    );
    expect(await failure(aborted)).toMatchObject({ code: 'ABORTED' });
    expect(names(look)).toEqual(['a']);
  });

  it('is a savepoint inside of any transaction', async () => {
    const { kysely, look } = await scene();
    const nest = async (trx: Kysely<Tables>, name: string): Promise<void> => {
      await transaction(trx, async (inner) => {
        await insert(inner, `${name} 1`);
        await transaction(inner, (innermost) => insert(innermost, `${name} 2`));
        await transaction(inner, async (innermost) => {
          await insert(innermost, `${name} 3`);
          throw new Error('undone');
        }).catch(() => {});
      });
    };
    await transaction(kysely, (trx) => nest(trx, 'a'));
    await kysely.transaction().execute((trx) => nest(trx, 'b'));
    const controlled = await kysely.startTransaction().execute();
    await nest(controlled, 'c');
    await controlled.commit().execute();
    expect(names(look)).toEqual(['a 1', 'a 2', 'b 1', 'b 2', 'c 1', 'c 2']);
    await transaction(kysely, async (trx) => {
      expect(await failure(transaction(trx, async () => {}, { behavior: 'read' }))).toBeInstanceOf(
        TransactionError,
      );
      expect(await failure(transaction(trx, async () => {}, { timeout: 5 }))).toBeInstanceOf(
        TransactionError,
      );
    });
  });

  it('names a use of the outer handle instead of waiting for itself', async () => {
    const { kysely } = await scene({ busyTimeout: 100 });
    const misuse = transaction(kysely, () => insert(kysely, 'a'));
    expect(await failure(misuse)).toSatisfy(
      (error) => error instanceof TransactionError || error instanceof BusyError,
    );
    expect((await failure(kysely.transaction().execute(() => insert(kysely, 'a')))).message).toMatch(
      /transaction/,
    );
  });

  it('tells the log of its queries', async () => {
    const events: string[] = [];
    const db = new Kysely<Tables>({
      dialect: new TursoDialect(':memory:'),
      log: ({ query }) => void events.push(query.sql),
    });
    await transaction(db, async (trx) => {
      await sql`select 1`.execute(trx);
      await transaction(trx, (nested) => sql`select 2`.execute(nested));
    });
    await db.destroy();
    expect(events).toEqual(['select 1', 'select 2']);
  });
});
