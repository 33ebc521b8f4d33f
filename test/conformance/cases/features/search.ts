import { expect } from 'vitest';
import { failureOf } from '../../capabilities.js';
import { feature, newName, shareScene } from '../../feature.js';
import type { Cases } from '../../scene.js';

/** §1.11 vector, spatial, full text. */
export const searchFeatures: Cases = (target, builder) => {
  const scene = shareScene(target, builder);

  feature(scene, target, 'VE-1 to VE-4 vectors: stored, compared, ordered by distance (#79)', {
    test: async ({ db, database }) => {
      const table = newName();
      await database.execute(`create table ${table} (id integer primary key, e F32_BLOB(2))`);
      for (const [id, vector] of [
        [1, '[1,0]'],
        [2, '[0,1]'],
        [3, '[-1,0]'],
      ] as const) {
        await db.run({ op: 'raw', sql: `insert into ${table} values (?, vector32(?))`, args: [id, vector] });
      }
      const nearest = `select id, vector_distance_cos(e, vector32(?)) as d from ${table} order by d`;
      const rows = await db.values(nearest, ['[1,0]']);
      expect(rows.map(([id]) => id)).toEqual([1, 2, 3]);
      expect(rows.map(([, distance]) => Math.round(Number(distance) * 1_000) / 1_000)).toEqual([0, 1, 2]);
    },
  });

  feature(scene, target, 'VE-5 and VE-6 a NULL or another dimension is an error of the comparison (#78)', {
    test: async ({ db, database }) => {
      const table = newName();
      await database.script(
        `create table ${table} (e F32_BLOB(2)); insert into ${table} values (null), (vector32('[1,2,3]'))`,
      );
      const distance = `select vector_distance_cos(e, vector32('[1,0]')) from ${table}`;
      expect((await failureOf(db.values(distance))).kind).toBe('sql');
      expect((await failureOf(db.values(`${distance} where e is not null`))).kind).toBe('sql');
    },
  });

  feature(
    scene,
    target,
    'VE-7 functions of libSQL: a constructor for each type, extract, cosine and L2 distance',
    {
      test: async ({ db }) => {
        const types = ['vector', 'vector32', 'vector64', 'vector16', 'vectorb16', 'vector8', 'vector1bit'];
        for (const type of types) {
          const [[text, distance] = []] = await db.values(
            `select vector_extract(${type}('[1,-1]')), vector_distance_cos(${type}('[1,-1]'), ${type}('[1,-1]'))`,
          );
          expect(JSON.parse(String(text)).map(Math.sign)).toEqual([1, -1]);
          expect(Math.abs(Number(distance))).toBeLessThan(0.01);
        }
        expect(await db.values("select vector_distance_l2(vector('[0,0]'), vector('[3,4]'))")).toEqual([[5]]);
        // Those of the Turso engine are not there.
        expect((await failureOf(db.values("select vector_concat(vector('[1]'), vector('[2]'))"))).kind).toBe(
          'sql',
        );
      },
    },
  );

  feature(scene, target, 'VE-8 vector index and top_k', {
    test: async ({ db, database }) => {
      const table = newName();
      await database.script(
        `create table ${table} (id integer primary key, e F32_BLOB(2));
        create index ${table}_e on ${table} (libsql_vector_idx(e));
        insert into ${table} values (1, vector32('[1,0]')), (2, vector32('[0,1]')), (3, null)`,
      );
      const top = `select id from vector_top_k('${table}_e', vector32('[1,0.1]'), 2)`;
      expect(await db.values(top)).toEqual([[1], [2]]);
    },
  });

  feature(scene, target, 'VE-9 vectors roll back with their transaction', {
    test: async ({ db, database }) => {
      const table = newName();
      await database.script(
        `create table ${table} (id integer primary key, e F32_BLOB(2)); create index ${table}_e on ${table} (libsql_vector_idx(e))`,
      );
      await db
        .transaction(async (tx) => {
          await tx.run({ op: 'raw', sql: `insert into ${table} values (1, vector32('[1,0]'))` });
          throw new Error('undone');
        })
        .catch(() => {});
      expect(await db.values(`select id from vector_top_k('${table}_e', vector32('[1,0]'), 2)`)).toEqual([]);
    },
  });

  feature(scene, target, 'RT-1 and RT-2 R*Tree: bounding boxes, 32-bit floats (#73)', {
    test: async ({ db, database }) => {
      const table = newName();
      await database.execute(`create virtual table ${table} using rtree(id, min_x, max_x)`);
      await db.run({ op: 'raw', sql: `insert into ${table} values (1, -34.1, -34.0), (2, 5, 6)` });
      const [[, min] = []] = await db.values(`select id, min_x from ${table} where max_x < 0`);
      expect(min).not.toBe(-34.1);
      expect(min).toBeCloseTo(-34.1, 4);
    },
  });

  feature(scene, target, 'FT-1 full text search', {
    test: async ({ db, database }) => {
      const table = newName();
      await database.execute(`create virtual table ${table} using fts5(body)`);
      await db.run({ op: 'raw', sql: `insert into ${table} values ('the quick fox'), ('a lazy dog')` });
      expect(await db.values(`select rowid from ${table} where ${table} match ?`, ['lazy'])).toEqual([[2]]);
    },
  });
};
