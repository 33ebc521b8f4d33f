import { afterEach, expect, it, vi } from 'vitest';

afterEach(() => vi.unstubAllEnvs());

/** Loads the binding by a fresh copy of the package. */
async function load(): Promise<void> {
  vi.resetModules();
  const { open } = await import('../../../src/index.js');
  const database = open({ url: ':memory:' });
  await database.execute('select 1');
  await database.close();
}

it('leaves the level of the log of the environment as it was: unset', async () => {
  vi.stubEnv('RUST_LOG', undefined);
  await load();
  expect('RUST_LOG' in process.env).toBe(false);
});

it('leaves the level of the log of the environment as it was: set', async () => {
  vi.stubEnv('RUST_LOG', 'error');
  await load();
  expect(process.env.RUST_LOG).toBe('error');
});
