import { describe, expect, it } from 'vitest';
import { measureRecall } from '../../src/vector/recall.js';

describe('recall', () => {
  const measure = async (exact: number[], approximate: number[]): Promise<number> =>
    (await measureRecall([1, 2], async (_vector, isExact) => (isExact ? exact : approximate))).recall;

  it('counts every row that is as near as the last of the nearest', async () => {
    expect(await measure([0, 0.5, 0.5], [0, 0.5, 0.5])).toBe(1);
    expect(await measure([0, 0.5, 0.5], [0.5, 0.5, 0.5])).toBe(1);
    expect(await measure([0, 0.5, 0.5], [0, 0.5, 0.75])).toBeCloseTo(2 / 3);
    expect(await measure([0, 0], [0.1, 0.1])).toBe(0);
  });

  it('counts no more than there are', async () => {
    expect(await measure([0, 0.5], [0, 0.5, 0.5])).toBe(1);
    expect(await measure([0, 0.5], [0])).toBe(0.5);
    expect(await measure([], [])).toBe(1);
  });
});
