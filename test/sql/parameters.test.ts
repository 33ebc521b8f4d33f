import Libsql from 'libsql';
import { describe, expect, it } from 'vitest';
import { resolveArguments, type StatementArguments } from '../../src/sql/parameters.js';
import { analyze } from '../../src/sql/statement.js';

function layoutOf(sql: string): NonNullable<ReturnType<typeof analyze>['statements'][number]>['parameters'] {
  const [statement] = analyze(sql).statements;
  if (statement === undefined) throw new Error('no statement');
  return statement.parameters;
}

describe('the slots of parameters', () => {
  it.each<[string, (string | null | undefined)[]]>([
    ['select 1', []],
    ['select ?, ?', [null, null]],
    ['select ?2, ?', [undefined, '?2', null]],
    ['select :a, @a, $a, :a, ?', [':a', '@a', '$a', null]],
    ['select \':no\', "@no", -- :no\n /* ? */ :yes', [':yes']],
    ["select '{}' -> '$.a', '{}' ->> ?", [null]],
  ])('%j', (sql, names) => {
    const layout = layoutOf(sql);
    expect(layout.count).toBe(names.length);
    expect(Array.from({ length: layout.count }, (_, i) => layout.names[i])).toEqual(names);
  });

  it.each(['select ?, ?3, :a, ?, :a, @a', 'select $x, ?, :b, $x', 'select ?5, ?, ?2'])(
    'are numbered as the engine numbers them: %s',
    (sql) => {
      const { count } = layoutOf(sql);
      const numbers = Array.from({ length: count }, (_, i) => BigInt(i + 1));
      const row = new Libsql(':memory:').prepare(sql).raw().get(numbers) as number[];
      const tokens = sql.slice('select '.length).split(', ');
      const { names } = layoutOf(sql);
      let next = 0;
      const slots = tokens.map((token) => {
        if (token === '?') {
          next = Math.max(next + 1, 1);
          return next;
        }
        const slot = names.indexOf(token) + 1;
        next = Math.max(next, slot);
        return slot;
      });
      expect(row).toEqual(slots);
    },
  );
});

describe('putting arguments into their slots', () => {
  it.each<[string, StatementArguments, unknown[]]>([
    ['select 1', undefined, []],
    ['select 1', {}, []],
    ['select ?, ?', [1, 2], [1, 2]],
    ['select :x, :y, :x', { x: 1, ':y': 2 }, [1, 2]],
    ['select :a, @a, $a', { a: 1 }, [1, 1, 1]],
    ['select ?1, ?2', { 1: 'a', '?2': 'b' }, ['a', 'b']],
    ['select :a, :b', [1, 2], [1, 2]],
  ])('%j %j', (sql, args, values) => {
    expect(resolveArguments(layoutOf(sql), args)).toEqual({ ok: true, values });
  });

  it.each<[string, StatementArguments, RegExp]>([
    ['select ?, ?', [1], /2 parameters/],
    ['select ?', [1, 2], /1 parameter/],
    ['select ?', undefined, /1 parameter/],
    ['select ?', { a: 1 }, /array/],
    ['select :a, $b', { a: 1 }, /\$b/],
    ['select :a', { a: 1, secretive: 2 }, /secretive/],
    ['select :a', { a: 1, ':a': 2 }, /:a/],
    ['select :Name', { name: 1 }, /:Name/],
    ['select :constructor', {}, /:constructor/],
    ['select ?', new Uint8Array(1) as never, /Uint8Array/],
    ['select ?', new Date(0) as never, /Date/],
    ['select ?', 'text' as never, /string/],
  ])('refuses %j', (sql, args, problem) => {
    const result = resolveArguments(layoutOf(sql), args);
    expect(result).toMatchObject({ ok: false });
    expect(!result.ok && result.problem).toMatch(problem);
  });
});
