import { describe, expect, it } from 'vitest';
import { classifyFunction } from '../../src/sql/function-classes.js';
import { REFUSED_FUNCTIONS } from '../../src/sql/functions.js';
import { openMemory } from '../support/database.js';

describe('the functions of the engine', () => {
  it('are all in a class; a new one must be put into the table of src/sql/functions.ts', async () => {
    const db = await openMemory();
    const { rows } = await db.execute('select distinct lower(name) as name from pragma_function_list');
    expect(rows.length).toBeGreaterThan(200);
    expect(
      rows.map(({ name }) => String(name)).filter((name) => classifyFunction(name) === undefined),
    ).toEqual([]);
  });

  it('include every one that is refused, tables apart', async () => {
    const db = await openMemory();
    const { rows } = await db.execute(
      'select lower(name) as name from pragma_function_list union select name from pragma_module_list',
    );
    const known = new Set(rows.map(({ name }) => name));
    expect([...REFUSED_FUNCTIONS].filter((name) => !known.has(name))).toEqual([]);
  });
});
