import { createServer, connect as connectTo, type Socket } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { type Database, open } from '../../../src/index.js';
import { startSqld } from '../../support/sqld.js';
import { unframe } from '../../support/raw-server.js';

/** A proxy that counts the bytes which clients send, and keeps what they said. */
async function scene(
  protocol: 'http' | 'ws',
): Promise<{ database: Database; sent(): number; said(): string }> {
  const sqld = await startSqld();
  const sockets = new Set<Socket>();
  let bytes = 0;
  let text = '';
  const server = createServer((client) => {
    const target = connectTo(sqld.port, '127.0.0.1');
    let frames: Buffer = Buffer.alloc(0);
    for (const socket of [client, target]) {
      sockets.add(socket);
      socket.on('error', () => {});
      socket.on('close', () => {
        client.destroy();
        target.destroy();
      });
    }
    client.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (protocol === 'ws' && !chunk.toString('latin1').startsWith('GET ')) {
        const { texts, rest } = unframe(Buffer.concat([frames, chunk]));
        frames = rest;
        text += texts.join('\n');
      } else text += chunk.toString();
      target.write(chunk);
    });
    target.on('data', (chunk: Buffer) => client.write(chunk));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  const database = open(`${protocol}://127.0.0.1:${port}`);
  onTestFinished(async () => {
    await database.close();
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return { database, sent: () => bytes, said: () => text };
}

/** A text of a given length, which does nothing but add. */
const long = (name: string, length = 2_000): string =>
  `select ? + 1 as n where '${name} ${'x'.repeat(length)}' <> ''`;

const countOf = (text: string, part: string): number => text.split(part).length - 1;

describe.each(['http', 'ws'] as const)('%s', (protocol) => {
  it('a long text that repeats in a transaction is sent once more only', async () => {
    const { database, sent, said } = await scene(protocol);
    await database.transaction(async (tx) => {
      for (let i = 0; i < 50; i++) expect((await tx.execute(long('one'), [i])).rows).toEqual([{ n: i + 1 }]);
    });
    expect(countOf(said(), 'one xxx')).toBe(2);
    expect(countOf(said(), '"store_sql"')).toBe(1);
    // 100,000 without it.
    expect(sent()).toBeLessThan(40_000);
  });

  it('texts that are too many are dropped again, and all results are right', async () => {
    const { database, said } = await scene(protocol);
    await database.transaction(async (tx) => {
      for (let round = 0; round < 3; round++) {
        for (let i = 0; i < 80; i++) {
          expect((await tx.execute(long(`text ${i}`, 400), [i])).rows).toEqual([{ n: i + 1 }]);
        }
      }
    });
    const stored = countOf(said(), '"store_sql"');
    const closed = countOf(said(), '"close_sql"');
    expect(stored).toBeGreaterThanOrEqual(80);
    // As many as are kept at a time.
    expect(stored - closed).toBe(40);
  });

  it('a batch may have more texts that repeat than the server stores', async () => {
    const { database } = await scene(protocol);
    const items = Array.from({ length: 360 }, (_, i) => ({ sql: long(`text ${i % 120}`, 400), args: [i] }));
    const results = await database.batch(items);
    expect(results.map(({ rows }) => rows[0]?.['n'])).toEqual(items.map((_, i) => i + 1));
    await database.transaction(async (tx) => {
      const again = await tx.batch(items);
      expect(again.map(({ rows }) => rows[0]?.['n'])).toEqual(items.map((_, i) => i + 1));
    });
  });

  it('a short text is sent as it is', async () => {
    const { database, said } = await scene(protocol);
    await database.transaction(async (tx) => {
      for (let i = 0; i < 5; i++) await tx.execute(`select ${'1 + '.repeat(50)} ?`, [i]);
    });
    expect(said()).not.toContain('store_sql');
  });
});

it('ws: a long text that repeats on a socket is sent once more only, outside of transactions too', async () => {
  const { database, sent, said } = await scene('ws');
  for (let i = 0; i < 50; i++)
    expect((await database.execute(long('one'), [i])).rows).toEqual([{ n: i + 1 }]);
  expect(countOf(said(), 'one xxx')).toBe(2);
  expect(sent()).toBeLessThan(40_000);
});
