import { expect, it } from 'vitest';
import { ReplicaModel } from '../support/replica-model.js';

/** How many sequences at most, and for how long, in ms; more by hand. */
const SEQUENCES = Number(process.env['REPLICA_SEQUENCES'] ?? 200);
const BUDGET = Number(process.env['REPLICA_MODEL_MS'] ?? 240_000);
const SEED = Number(process.env['REPLICA_SEED'] ?? 1);
const LANES = 3;

it('replicas keep their promises whatever happens to their files, connections and servers', {
  timeout: BUDGET + 120_000,
  retry: 0,
}, async () => {
  const end = performance.now() + BUDGET;
  let next = SEED;
  const failed: string[] = [];
  const lane = async (): Promise<void> => {
    while (next < SEED + SEQUENCES && performance.now() < end && failed.length === 0) {
      const seed = next++;
      await new ReplicaModel(seed).run().catch((error: unknown) => {
        failed.push(`seed ${seed}: ${String(error)}`);
      });
    }
  };
  await Promise.all(Array.from({ length: LANES }, lane));
  expect(failed).toEqual([]);
  console.info(`${next - SEED} sequences`);
});
