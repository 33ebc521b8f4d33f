import Libsql from 'libsql';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  BusyError,
  CapabilityError,
  ConfigError,
  ConstraintError,
  type Database,
  open,
  ReadOnlyError,
  TransactionError,
  TransactionLostError,
} from '../../src/index.js';

let folder: string;
let path: string;
let db: Database;
let outside: InstanceType<typeof Libsql>;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'turso-dialect-transactions-'));
  path = join(folder, 'a.db');
  db = open({ url: path, busyTimeout: 150 });
  await db.execute('create table t (n integer primary key)');
  outside = new Libsql(path);
});

afterEach(async () => {
  outside.close();
  await db.close();
  rmSync(folder, { recursive: true, force: true });
});

const seen = (): unknown[] => outside.prepare('select n from t order by n').raw().all([]).flat();
const insert = (n: number): [string, number[]] => ['insert into t values (?)', [n]];
const turn = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 2));

/** Whether a writer outside finds the write lock free. */
function writeLockFree(): boolean {
  try {
    outside.exec('begin immediate; rollback');
    return true;
  } catch {
    return false;
  }
}

describe('the behaviour of a transaction', () => {
  it.each([
    ['deferred', true],
    ['immediate', false],
    ['exclusive', false],
    ['read', true],
  ] as const)('%s leaves the write lock free before its first write: %s', async (behavior, free) => {
    await db.transaction(async () => expect(writeLockFree()).toBe(free), { behavior });
    expect(writeLockFree()).toBe(true);
  });

  it('exclusive keeps readers out where there is no write-ahead log', async () => {
    const other = join(folder, 'delete.db');
    await using rollbackJournal = open({ url: other, pragmas: { journal_mode: 'delete' } });
    await rollbackJournal.execute('create table t (n)');
    const reader = new Libsql(other);
    await rollbackJournal.transaction(
      async () => expect(() => reader.prepare('select * from t').raw().get([])).toThrow(/locked/),
      { behavior: 'exclusive' },
    );
    reader.close();
  });

  it('read refuses every write and is over after the transaction', async () => {
    const write = db.transaction((tx) => tx.execute(...insert(1)), { behavior: 'read' });
    await expect(write).rejects.toBeInstanceOf(ReadOnlyError);
    await db.transaction((tx) => tx.execute(...insert(2)));
    expect(seen()).toEqual([2]);
  });

  it('concurrent is a capability that libsql lacks, and any other word a config error', async () => {
    const run = (behavior: string): Promise<void> =>
      db.transaction(() => {}, { behavior: behavior as 'deferred' });
    await expect(run('concurrent')).rejects.toBeInstanceOf(CapabilityError);
    await expect(run('sometimes')).rejects.toBeInstanceOf(ConfigError);
  });
});

describe('a lock that someone else holds', () => {
  const poisoned: [string, () => Promise<unknown>][] = [
    ['a write', () => db.execute(...insert(1))],
    ['a write that returns', () => db.execute('insert into t values (1) returning n')],
    ['a batch', () => db.batch(['insert into t values (1)'])],
    ['a transaction', () => db.transaction((tx) => tx.execute(...insert(1)))],
    [
      'a deferred transaction',
      () => db.transaction((tx) => tx.execute(...insert(1)), { behavior: 'deferred' }),
    ],
    ['a script', () => db.script('insert into t values (1)')],
    ['a write that can be stopped', () => db.execute(...insert(1), { timeout: 5_000 })],
  ];

  it.each(poisoned)('fails %s after busyTimeout and poisons nothing', async (_name, run) => {
    outside.exec('begin immediate');
    let ticks = 0;
    const interval = setInterval(() => ticks++, 5);
    await expect(run()).rejects.toBeInstanceOf(BusyError);
    clearInterval(interval);
    expect(ticks).toBeGreaterThan(10);
    outside.exec('rollback');
    for (let n = 10; n < 15; n++) await db.transaction((tx) => tx.execute(...insert(n)));
    await db.execute(...insert(20));
    expect(seen()).toEqual([10, 11, 12, 13, 14, 20]);
    expect(writeLockFree()).toBe(true);
  });

  it('is waited for', async () => {
    outside.exec('begin immediate');
    const writes = Promise.all([db.execute(...insert(1)), db.transaction((tx) => tx.execute(...insert(2)))]);
    setTimeout(() => outside.exec('insert into t values (3); commit'), 40);
    await writes;
    expect(seen()).toEqual([1, 2, 3]);
  });

  it('makes a snapshot too old, which retry overcomes', async () => {
    let runs = 0;
    const readThenWrite = async (retry: number): Promise<unknown> =>
      db.transaction(
        async (tx) => {
          const { rows } = await tx.execute<{ n: number }>('select count(*) as n from t');
          if (runs++ === 0) outside.exec(`insert into t values (${100 + retry})`);
          await tx.execute(...insert((rows[0]?.n ?? 0) + 1));
        },
        { behavior: 'deferred', retry },
      );
    await expect(readThenWrite(0)).rejects.toMatchObject({
      extendedCode: 'SQLITE_BUSY_SNAPSHOT',
      retryable: true,
    });
    runs = 0;
    await readThenWrite(1);
    expect(runs).toBe(2);
    expect(seen()).toEqual([3, 100, 101]);
  });
});

describe('the end of a transaction', () => {
  it('rethrows what the callback threw, with everything undone', async () => {
    const mine = new Error('mine');
    const failing = db.transaction(async (tx) => {
      await tx.execute(...insert(1));
      throw mine;
    });
    await expect(failing).rejects.toBe(mine);
    expect(seen()).toEqual([]);
  });

  it('is refused once the database has rolled back by itself, and nothing is committed alone', async () => {
    await db.execute(...insert(1));
    let later: unknown;
    const lost = db.transaction(async (tx) => {
      await tx.execute(...insert(2));
      await tx.execute('insert or rollback into t values (1)').catch(() => {});
      later = await tx.execute(...insert(3)).catch((error: unknown) => error);
    });
    await expect(lost).rejects.toBeInstanceOf(TransactionLostError);
    expect(later).toBeInstanceOf(TransactionLostError);
    expect((later as Error).cause).toBeInstanceOf(ConstraintError);
    expect(seen()).toEqual([1]);
  });

  it('fails with a deferred foreign key, and rolls back', async () => {
    await db.execute('create table c (n references t deferrable initially deferred)');
    const failing = db.transaction((tx) => tx.execute('insert into c values (9)'));
    await expect(failing).rejects.toMatchObject({ constraint: 'foreignKey' });
    expect(writeLockFree()).toBe(true);
  });

  it('waits for statements that were not awaited', async () => {
    await db.transaction(
      (tx) =>
        void tx.transaction(async (nested) => {
          await turn();
          await nested.execute(...insert(1));
        }),
    );
    expect(seen()).toEqual([1]);
  });

  it('refuses statements after it', async () => {
    const tx = await db.transaction((inner) => inner);
    await expect(tx.execute('select 1')).rejects.toMatchObject({ code: 'TRANSACTION_CLOSED' });
  });
});

describe('transaction control and settings by SQL', () => {
  it.each(['begin', 'commit', 'rollback', 'savepoint a', 'release a'])('%s is refused', async (sql) => {
    await expect(db.execute(sql)).rejects.toMatchObject({ code: 'TRANSACTION_CONTROL' });
    await expect(db.transaction((tx) => tx.execute(sql))).rejects.toBeInstanceOf(TransactionError);
  });

  it('a pragma that a transaction ignores is refused in it', async () => {
    await expect(db.transaction((tx) => tx.execute('pragma foreign_keys = off'))).rejects.toThrow(
      /no effect/,
    );
    await expect(db.transaction((tx) => tx.execute('pragma query_only = 1'))).rejects.toThrow(
      /behavior 'read'/,
    );
  });
});

describe('the outer handle inside a callback', () => {
  it.each<[string, () => Promise<unknown>]>([
    ['a write', () => db.execute(...insert(1))],
    ['a transaction', () => db.transaction((tx) => tx.execute(...insert(1)))],
    ['a batch', () => db.batch(['insert into t values (1)'])],
  ])('is refused at once: %s', async (_name, use) => {
    const misuse = db.transaction(async (tx) => {
      await tx.execute(...insert(2));
      await turn();
      await use();
    });
    await expect(misuse).rejects.toMatchObject({ code: 'TRANSACTION_MISUSE' });
    expect(seen()).toEqual([]);
  });

  it('is refused on a memory database for a read too', async () => {
    await using memory = open(':memory:');
    const misuse = memory.transaction(async () => {
      await memory.execute('select 1');
    });
    await expect(misuse).rejects.toMatchObject({ code: 'TRANSACTION_MISUSE' });
  });

  it('is refused when it is called from a timer that the callback waits for', async () => {
    const misuse = db.transaction(async () => {
      await new Promise((resolve) => setTimeout(() => resolve(db.execute(...insert(1))), 1));
    });
    await expect(misuse).rejects.toMatchObject({ code: 'TRANSACTION_MISUSE' });
  });

  it('may read on a file, on another connection', async () => {
    await db.transaction(async (tx) => {
      await tx.execute(...insert(1));
      expect((await db.execute('select n from t')).rows).toEqual([]);
    });
  });
});
