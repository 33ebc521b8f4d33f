import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CapabilityError, ParameterError } from '../../src/index.js';
import { PRAGMAS, type PragmaDefinition } from '../../src/pragma/index.js';
import { isWellFormed } from '../../src/values.js';
import { openMemory } from '../support/database.js';

const name = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 12 }),
  fc.string({ unit: 'grapheme', maxLength: 12 }),
  fc
    .array(
      fc.constantFrom('"', "'", '`', ')', ';', '--', '/*', 'drop table kept', 'pragma', ' ', ']', '\\', '%'),
      {
        maxLength: 6,
      },
    )
    .map((pieces) => pieces.join('')),
);

describe('whatever is given to a pragma', { timeout: 120_000 }, () => {
  it('a name is a name: 10,000 names of tables and schemas', async () => {
    const db = await openMemory('create table kept (a); pragma user_version = 5');
    let found = 0;
    await fc.assert(
      fc.asyncProperty(name, fc.boolean(), async (table, asSchema) => {
        const valid = table !== '' && !table.includes('\0') && isWellFormed(table);
        const result = await (asSchema
          ? db.pragma.tableInfo('kept', table)
          : db.pragma.tableInfo(table)
        ).catch((error: unknown) => error);
        if (!valid) expect(result).toBeInstanceOf(ParameterError);
        else if (!asSchema) expect(result).toEqual([]);
        else if (!['main', 'temp'].includes(table.toLowerCase()))
          expect(result).toMatchObject({ kind: 'sql' });
        if (!valid || asSchema || /^sqlite_/i.test(table)) return;
        // A table of that very name is found.
        const quoted = `"${table.replaceAll('"', '""')}"`;
        await db.execute(`create table ${quoted} (b)`);
        expect(await db.pragma.tableInfo(table)).toMatchObject([{ name: 'b' }]);
        await db.execute(`drop table ${quoted}`);
        found++;
      }),
      { numRuns: 10_000 },
    );
    expect(found).toBeGreaterThan(2_000);
    expect([await db.pragma.userVersion(), await db.pragma.tableInfo('kept')]).toMatchObject([
      5,
      [{ name: 'a' }],
    ]);
  });

  it('a value is set as it is or refused: 10,000 values', async () => {
    const db = await openMemory('create table kept (a)');
    const settable = Object.entries<PragmaDefinition>(PRAGMAS).filter(
      // In memory the journal mode can hardly be changed, and these would end the test or make it slow.
      ([key, { settable: where }]) =>
        where !== 'nowhere' &&
        !['journalMode', 'queryOnly', 'maxPageCount', 'deferForeignKeys', 'autoVacuum', 'mmapSize'].includes(
          key,
        ),
    );
    const functions = db.pragma as unknown as Record<string, (value?: unknown) => Promise<unknown>>;
    let set = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...settable),
        fc.oneof(
          fc.boolean(),
          fc.integer(),
          fc.double(),
          fc.constantFrom(
            'off',
            'normal',
            'full',
            'extra',
            'on',
            'fast',
            'default',
            'file',
            'memory',
            '1; drop table kept',
          ),
          fc.anything(),
        ),
        async ([key], value) => {
          const setter = `set${key.charAt(0).toUpperCase()}${key.slice(1)}`;
          const error = await functions[setter]?.(value).then(
            () => undefined,
            (thrown: unknown) => thrown,
          );
          if (error === undefined) {
            set++;
            expect((await functions[key]?.()) === value).toBe(true);
          } else expect([ParameterError.name, CapabilityError.name]).toContain((error as Error).name);
        },
      ),
      { numRuns: 10_000 },
    );
    expect(set).toBeGreaterThan(500);
    expect(await db.pragma.tableInfo('kept')).toHaveLength(1);
  });
});
