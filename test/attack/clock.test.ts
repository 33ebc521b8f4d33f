import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { BusyError, InterruptedError } from '../../src/index.js';
import { openFile } from '../support/database.js';
import { makeIssuer } from '../support/jwt.js';
import { holdLock } from '../support/lock.js';
import { failure } from '../support/outcome.js';
import { pause } from '../support/time.js';
import { TokenSource } from '../../src/engine/remote/token.js';

const DAY = 86_400_000;
const ENDLESS = 'with recursive c(n) as (select 1 union all select n + 1 from c) select count(*) from c';

/** Sets the clock of the day, and no other, after 50 ms. */
function jumpSoon(by: number): void {
  const { now } = Date;
  setTimeout(() => vi.spyOn(Date, 'now').mockImplementation(() => now() + by), 50);
}

describe.each([
  ['back', -DAY],
  ['forward', DAY],
])('a clock that is set %s', (_way, by) => {
  beforeEach(() => jumpSoon(by));
  afterEach(() => void vi.restoreAllMocks());

  it('changes no timeout and no wait for a lock', async () => {
    const { db, file } = await openFile('create table t (a)', { busyTimeout: 400 });
    const start = performance.now();
    await failure(() => db.execute(ENDLESS, [], { timeout: 300 }), InterruptedError);
    expect(performance.now() - start).toBeGreaterThan(290);
    const lock = await holdLock(file);
    const since = performance.now();
    await failure(() => db.execute('insert into t values (1)'), BusyError);
    expect(performance.now() - since).toBeGreaterThan(390);
    const waiting = db.transaction((tx) => tx.execute('insert into t values (2)'));
    lock.releaseSoon();
    await waiting;
    expect(performance.now() - start).toBeLessThan(10_000);
  });

  it('asks for no token again before its time', async () => {
    const issuer = makeIssuer();
    let asked = 0;
    const source = new TokenSource(() => {
      asked++;
      return issuer.token({ seconds: 3_600 });
    });
    const token = await source.get();
    await pause(80);
    expect(await source.get()).toBe(token);
    expect(asked).toBe(1);
  });
});
