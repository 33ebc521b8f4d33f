import { expect } from 'vitest';
import { ConstraintError } from '../../../../src/index.js';
import { failureOf } from '../../capabilities.js';
import { feature, newName, shareScene } from '../../feature.js';
import type { Cases } from '../../scene.js';

/** §1.15 errors. */
export const errorFeatures: Cases = (target, builder) => {
  const scene = shareScene(target, builder);

  feature(scene, target, 'ER-2 to ER-4 constraints: which, on which table, columns and index (#61)', {
    test: async ({ db, database }) => {
      const table = newName();
      await database.script(
        `create table ${table} (id integer primary key, a, b not null, c check (c <> 13));
        create unique index ${table}_my_index on ${table} (a, b); insert into ${table} values (1, 1, 1, 1)`,
      );
      const cases = [
        ['(2, 1, 1, 1)', { constraint: 'unique', table, columns: ['a', 'b'], index: `${table}_my_index` }],
        ['(1, 2, 2, 1)', { columns: ['id'] }],
        ['(3, 3, null, 1)', { constraint: 'notNull', table, columns: ['b'] }],
        ['(4, 4, 4, 13)', { constraint: 'check' }],
      ] as const;
      for (const [values, fields] of cases) {
        const sql = `insert into ${table} values ${values}`;
        for (const use of [
          () => db.run({ op: 'raw', sql }),
          () => db.transaction((tx) => tx.run({ op: 'raw', sql })),
        ]) {
          const error = await failureOf(use());
          expect(error).toBeInstanceOf(ConstraintError);
          expect(error).toMatchObject(fields);
        }
      }
    },
  });

  feature(scene, target, 'ER-6 and ER-7 never a crash, and the connection works on', {
    test: async ({ db }) => {
      for (const sql of ['selec', 'select * from nowhere', '', 'select 1; select 2', "select '"]) {
        expect((await failureOf(db.values(sql))).kind).toMatch(/sql|parameter/);
        expect(await db.values('select 1')).toEqual([[1]]);
      }
    },
  });

  feature(scene, target, 'ER-8 and ER-11 classes and codes are the same everywhere', {
    test: async ({ db }) => {
      expect(await failureOf(db.values('select * from nowhere'))).toMatchObject({
        code: 'SQLITE_ERROR',
        kind: 'sql',
      });
      await db.run({ op: 'insert', into: 'accounts', rows: [{ id: 1, name: 'a' }] });
      const twice = db.run({ op: 'insert', into: 'accounts', rows: [{ id: 2, name: 'a' }] });
      expect(await failureOf(twice)).toMatchObject({
        ...{
          code: 'SQLITE_CONSTRAINT',
          extendedCode: 'SQLITE_CONSTRAINT_UNIQUE',
          rawCode: 2067,
          kind: 'constraint',
        },
      });
      await db.run({ op: 'delete', from: 'accounts' });
    },
  });
};
