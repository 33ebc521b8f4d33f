import { expect, it, onTestFinished } from 'vitest';
import { drizzle } from '../../src/dialect/drizzle/index.js';
import { DIMENSIONS } from './schema.js';
import { createIndex, createTable, load, quality, similar, type Word } from './words.js';

/** Words of themes: those of one lie around the same direction. */
function seededWords(themes: readonly string[], each: number): Word[] {
  let state = 5;
  const random = (): number => (state = (state * 48_271) % 2_147_483_647) / 2_147_483_647 - 0.5;
  return themes.flatMap((theme) => {
    const middle = Float32Array.from({ length: DIMENSIONS }, random);
    return Array.from({ length: each }, (_, i) => ({
      word: `${theme} ${i}`,
      embedding: middle.map((component) => component + random() * 0.5),
    }));
  });
}

it('finds words of like meaning, by a scan and by an index', async () => {
  const db = drizzle(':memory:');
  onTestFinished(() => db.$client.close());
  await createTable(db as never);
  const progress: number[] = [];
  const given = seededWords(['sea', 'crown', 'joy'], 150);
  expect(await load(db as never, given, (done) => progress.push(done))).toBe(450);
  expect(progress.at(-1)).toBe(450);

  const scanned = await similar(db as never, 'sea 7', { k: 20 });
  expect(scanned).toHaveLength(20);
  expect(scanned.every(({ word }) => word.startsWith('sea') && word !== 'sea 7')).toBe(true);

  await createIndex(db as never);
  const found = await similar(db as never, 'sea 7', { k: 20 });
  const exact = new Set(scanned.map(({ word }) => word));
  expect(found.filter(({ word }) => exact.has(word)).length).toBeGreaterThanOrEqual(18);
  expect((await quality(db as never, 50)).recall).toBeGreaterThan(0.95);
  expect(await similar(db as never, 'no such word')).toEqual([]);
});
