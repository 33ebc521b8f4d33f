import { expect, it } from 'vitest';
import { mixedLoad, ours } from '../../bench/mixed-load.mjs';
import { open } from '../../src/index.js';
import { startSqld } from '../support/sqld.js';

const SECONDS = Number(process.env['MIXED_LOAD_SECONDS'] ?? 4);

it('writers and readers of every behavior on one server lose and double nothing, and leave no lock behind', {
  timeout: (SECONDS + 60) * 1_000,
}, async () => {
  const { port } = await startSqld();
  const outcome = await mixedLoad(`127.0.0.1:${port}`, ours(open), SECONDS);
  expect(outcome).toMatchObject({ jammed: false, stuck: 0, lost: 0, doubled: 0 });
  expect(outcome.conflicts).toBeGreaterThan(0);
});
