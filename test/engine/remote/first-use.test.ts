import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createClient } from '@libsql/client';
import { describe, expect, it, onTestFinished } from 'vitest';
import { fromClient } from '../../../src/database/from-client.js';
import {
  CapabilityError,
  open,
  ParameterError,
  TransactionLostError,
  ValueError,
} from '../../../src/index.js';
import { failure } from '../../support/outcome.js';
import { startSqld } from '../../support/sqld.js';

const LONE = String.fromCharCode(0xd800);

describe.each(['http', 'ws'] as const)('%s', (protocol) => {
  it('a lone surrogate in SQL and parameters becomes U+FFFD, and the transaction goes on', async () => {
    const sqld = await startSqld();
    const database = open(protocol === 'http' ? sqld.url : sqld.wsUrl);
    onTestFinished(() => database.close());
    await database.execute('create table t (a)');
    await database.transaction(async (tx) => {
      await tx.execute(`insert into t values ('x${LONE}'), (?)`, [`${LONE}y`]);
    });
    expect((await database.execute('select a from t')).rows).toEqual([{ a: 'x\ufffd' }, { a: '\ufffdy' }]);
  });

  it('a transaction whose server was started again is lost with its next statement', async () => {
    const sqld = await startSqld();
    const database = open({ url: protocol === 'http' ? sqld.url : sqld.wsUrl, networkRetry: 0 });
    onTestFinished(() => database.close());
    await database.execute('create table t (a)');
    const running = database.transaction(async (tx) => {
      await tx.execute('insert into t values (1)');
      await sqld.stop();
      await sqld.start();
      await tx.execute('insert into t values (2)').catch(() => {});
    });
    await failure(running, TransactionLostError);
    expect((await database.execute('select count(*) as n from t')).rows).toEqual([{ n: 0 }]);
  });
});

describe('a client of a file', () => {
  async function withClient(use: (database: ReturnType<typeof fromClient>) => Promise<void>): Promise<void> {
    const folder = mkdtempSync(path.join(tmpdir(), 'turso-client-'));
    const client = createClient({ url: `file:${folder}/a.db` });
    onTestFinished(() => {
      client.close();
      rmSync(folder, { recursive: true, force: true });
    });
    await use(fromClient(client));
  }

  it('that rounds integers says so, and the transaction goes on', async () => {
    await withClient(async (database) => {
      await database.execute('create table t (a)');
      await database.transaction(async (tx) => {
        const error = await failure(tx.execute('select 9007199254740993 as a'), CapabilityError);
        expect(error.capability).toBe('exactIntegers');
        await tx.execute('insert into t values (1)');
      });
      expect((await database.execute('select a from t')).rows).toEqual([{ a: 1 }]);
    });
  });

  it('refuses text that it would read back truncated', async () => {
    await withClient(async (database) => {
      await failure(database.execute('select ?', ['a\0b']), ParameterError);
    });
  });
});

it.each(['http', 'ws'] as const)(
  'an infinite number through a client over %s is a ValueError',
  async (protocol) => {
    const sqld = await startSqld();
    const client = createClient({ url: protocol === 'http' ? sqld.url : sqld.wsUrl });
    onTestFinished(() => client.close());
    await failure(fromClient(client).execute('select 9e999'), ValueError);
  },
);
