import { connect } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import {
  checkAnswers,
  COMMITTED,
  DIVERGED,
  hasPage,
  type LogTail,
  PASSED,
  PLACES,
  readTail,
  writeTail,
} from '../../../src/engine/replica/history-check.js';
import { openRelay } from '../../../src/engine/replica/relay.js';
import { makeIssuer } from '../../support/jwt.js';
import { randomFrom } from '../../support/random.js';
import { replicaScene } from '../../support/replica.js';
import { startSqld } from '../../support/sqld.js';

const LOG = '/wal_log.ReplicationLog';

/** Asks a server for its log from a frame on, and gives the answer as it came over the wire. */
async function rawLog(url: string, from = 0): Promise<Buffer> {
  const headers = { 'content-type': 'application/grpc-web', 'x-namespace-bin': 'MTI3' };
  const hello = await fetch(`${url}${LOG}/Hello`, {
    method: 'POST',
    headers,
    body: Buffer.from([0, 0, 0, 0, 2, 8, 1]),
  });
  const text = Buffer.from(await hello.arrayBuffer()).toString('latin1');
  const session = /\x22\x24([0-9a-f-]{36})/.exec(text)?.[1] ?? '';
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  socket.write(
    `POST ${LOG}/BatchLogEntries HTTP/1.1\r\nhost: ${hostname}\r\nx-namespace-bin: MTI3\r\nx-session-token: ${session}\r\n` +
      'content-type: application/grpc-web\r\nconnection: close\r\ncontent-length: 7\r\n\r\n' +
      String.fromCharCode(0, 0, 0, 0, 2, 8, from),
    'latin1',
  );
  const parts: Buffer[] = [];
  for await (const part of socket) parts.push(part as Buffer);
  return Buffer.concat(parts);
}

/** The bytes in pieces of random length. */
function* pieces(bytes: Buffer, random: () => number): Generator<Buffer> {
  for (let at = 0; at < bytes.length; ) {
    const size = 1 + Math.floor(random() ** 4 * 5_000);
    yield bytes.subarray(at, at + size);
    at += size;
  }
}

describe('the way of a sync', () => {
  it('is closed to whoever does not know its secret', async () => {
    const sqld = await startSqld();
    const relay = await openRelay(sqld.url);
    onTestFinished(() => relay.close());
    await expect(fetch(`${relay.url}/health`)).rejects.toThrow();
    const wrong = { authorization: 'Bearer wrong' };
    await expect(fetch(`${relay.url}/health`, { headers: wrong })).rejects.toThrow();
    const right = { authorization: `Bearer ${relay.secret}` };
    expect((await fetch(`${relay.url}/health`, { headers: right })).status).toBe(200);
    expect(relay.received).toBeGreaterThan(0);
    relay.cut();
    await expect(fetch(`${relay.url}/health`, { headers: right })).rejects.toThrow();
    relay.mend();
    expect((await fetch(`${relay.url}/health`, { headers: right })).status).toBe(200);
  });

  it('gives each request the token of the moment, and the server none of the secret', async () => {
    const issuer = makeIssuer();
    const sqld = await startSqld({ publicKey: issuer.publicKey });
    const relay = await openRelay(sqld.url);
    onTestFinished(() => relay.close());
    const ask = async (): Promise<number> => {
      const response = await fetch(`${relay.url}/v2/pipeline`, {
        method: 'POST',
        headers: { authorization: `Bearer ${relay.secret}`, 'content-type': 'application/json' },
        body: JSON.stringify({ requests: [{ type: 'close' }] }),
      });
      await response.text();
      return response.status;
    };
    expect(await ask()).toBe(401);
    relay.setToken(issuer.token());
    expect(await ask()).toBe(200);
    relay.setToken(undefined);
    expect(await ask()).toBe(401);
  });
});

describe('the log on its way', () => {
  it('is passed on as it is, whatever pieces it comes in, and its last frame is known', async () => {
    const { sqld, add } = await replicaScene();
    for (let i = 0; i < 12; i++) await add('x'.repeat(i * 200));
    const answer = await rawLog(sqld.url);
    let last: unknown;
    for (let seed = 1; seed <= 60; seed++) {
      const shared = new Int32Array(PLACES);
      const check = checkAnswers(shared);
      check.begin(`POST ${LOG}/BatchLogEntries`);
      const passed: Buffer[] = [];
      for (const piece of pieces(answer, randomFrom(seed)))
        passed.push(check.push(piece) ?? Buffer.from('other'));
      expect(Buffer.concat(passed).equals(answer)).toBe(true);
      const tail = readTail(shared, PASSED);
      last ??= tail;
      expect(tail).toEqual(last);
      expect(tail?.before).toBeDefined();
    }
  });

  it('is held back when its first frame does not follow the last one of the replica', async () => {
    const { sqld, add } = await replicaScene();
    await add('a');
    const all = await rawLog(sqld.url);
    const known = new Int32Array(PLACES);
    const before = checkAnswers(known);
    before.begin(`POST ${LOG}/BatchLogEntries`);
    before.push(all);
    const { frameNo, checksum } = readTail(known, PASSED) as LogTail;
    await add('b');
    const answer = await rawLog(sqld.url, Number(frameNo) + 1);
    for (const [sum, right] of [
      [checksum, true],
      [checksum ^ 1n, false],
    ] as const) {
      const shared = new Int32Array(PLACES);
      writeTail(shared, COMMITTED, { frameNo, checksum: sum, page: 1, before: undefined });
      const check = checkAnswers(shared);
      check.begin(`POST ${LOG}/BatchLogEntries`);
      let passed = 0;
      let held = false;
      for (const piece of pieces(answer, randomFrom(3))) {
        const sent = check.push(piece);
        held ||= sent === undefined;
        if (held) break;
        passed += sent?.length ?? 0;
      }
      expect([held, Atomics.load(shared, DIVERGED), passed]).toEqual(
        right ? [false, 0, answer.length] : [true, 1, 0],
      );
    }
  });

  it('tells the page of a frame from another', () => {
    const page = Buffer.alloc(4_096, 7);
    const tail = { frameNo: 5n, checksum: 0n, page: 1, before: 3n };
    expect(hasPage(tail, page)).toBe(false);
    expect(hasPage({ ...tail, before: undefined }, page)).toBe(undefined);
  });
});
