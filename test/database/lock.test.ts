import { describe, expect, it } from 'vitest';
import { Abort } from '../../src/database/abort.js';
import { Lock, type LockHolder } from '../../src/database/lock.js';
import { InterruptedError } from '../../src/errors.js';
import { failure } from '../support/outcome.js';
import { turn } from '../support/time.js';

const holder = (): LockHolder => ({ transactionId: undefined, lastActive: performance.now() });
const stopped = (): InterruptedError =>
  new InterruptedError('stopped', { code: 'ABORTED', kind: 'interrupted' });

describe('a lock', () => {
  it('is released by its holder alone', async () => {
    const lock = new Lock('the lock');
    const [first, second, stranger] = [holder(), holder(), holder()];
    expect(lock.tryAcquire(first)).toBe(true);
    let granted = false;
    const waiting = lock.acquire(second, { timeout: 9_000, abort: undefined }).then(() => {
      granted = true;
    });
    lock.release(stranger);
    lock.release(second);
    await turn();
    expect([granted, lock.free, lock.tryAcquire(stranger)]).toEqual([false, false, false]);
    lock.release(first);
    await waiting;
    lock.release(first);
    expect(lock.free).toBe(false);
    lock.release(second);
    expect(lock.free).toBe(true);
  });

  it.each(['release', 'abort'])(
    'that is granted and given up in one step is free for the next: %s first',
    async (first) => {
      const lock = new Lock('the lock');
      const [held, given, next] = [holder(), holder(), holder()];
      lock.tryAcquire(held);
      const abort = Abort.manual();
      const waiting = failure(lock.acquire(given, { timeout: 9_000, abort }), InterruptedError);
      const after = lock.acquire(next, { timeout: 9_000, abort: undefined });
      const steps = [() => lock.release(held), () => abort.abort(stopped())];
      for (const step of first === 'release' ? steps : steps.toReversed()) step();
      await waiting;
      await after;
      lock.release(next);
      expect(lock.free).toBe(true);
    },
  );

  it('keeps no one who has given up in its queue', async () => {
    const lock = new Lock('the lock');
    const held = holder();
    lock.tryAcquire(held);
    await failure(lock.acquire(holder(), { timeout: 5, abort: undefined }));
    lock.release(held);
    expect(lock.free).toBe(true);
  });
});
