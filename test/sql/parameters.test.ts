import Database from 'libsql';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type ParameterLayout, resolveArguments } from '../../src/sql/parameters.js';
import { analyze } from '../../src/sql/statement.js';

function layoutOf(parameters: string): ParameterLayout {
  const [statement] = analyze(`select ${parameters}`).statements;
  if (statement === undefined) throw new Error('no statement');
  return statement.parameters;
}

describe('numbering', () => {
  it.each([
    ['1', []],
    ['?, ?', [null, null]],
    [':a, @a, $a', [':a', '@a', '$a']],
    [':x, :x, :y', [':x', ':y']],
    ['?1, ?3', ['?1', undefined, '?3']],
    ['?, ?3, :a, ?, :a', [null, undefined, '?3', ':a', null]],
    ['?2, ?', [undefined, '?2', null]],
    ['?, ?1', ['?1']],
    [':a, ?1', [':a']],
    ['?005, ?5', [undefined, undefined, undefined, undefined, '?5']],
    ['\':a\' /* :b */, ":c", [?], :d -- :e', [':d']],
    ['#a', ['#a']],
    ["'{}' -> '$.a', '{}' ->> ?", [null]],
  ])('%s', (sql, names) => {
    const layout = layoutOf(sql);
    expect(layout.names).toEqual(names);
    expect(layout.count).toBe(names.length);
    expect(layout.gaps).toBe(names.includes(undefined));
    expect(layout.named).toBe(names.some((name) => typeof name === 'string' && name[0] !== '?'));
  });

  it('reads the colons inside a text as text', () => {
    const sql = "SELECT ':not_a_param', 'a@example.com' FROM t WHERE id = :id";
    expect(analyze(sql).statements.map(({ parameters }) => parameters.names)).toEqual([[':id']]);
  });

  it('records a number that SQLite refuses and allocates nothing for it', () => {
    expect(layoutOf('?0')).toMatchObject({ count: 0, invalid: '?0' });
    expect(layoutOf('?, ?32767')).toMatchObject({ count: 1, invalid: '?32767' });
    expect(layoutOf(`?${'9'.repeat(400)}`)).toMatchObject({ count: 0 });
    expect(layoutOf('?32766')).toMatchObject({ count: 32_766 });
    expect(layoutOf('?')).not.toHaveProperty('invalid');
  });

  it('agrees with the engine', () => {
    const db = new Database(':memory:');
    const parameter = fc.constantFrom(
      '?',
      '?',
      '?1',
      '?3',
      '?07',
      ':a',
      '@a',
      '$a',
      ':b',
      '#c',
      '$a::b(c)',
      ':1',
    );
    fc.assert(
      fc.property(fc.array(parameter, { minLength: 1, maxLength: 12 }), (parameters) => {
        const { names, count } = layoutOf(parameters.join(', '));
        const values = Array.from({ length: count }, (_, i) => BigInt(i + 1));
        const row = db
          .prepare(`select ${parameters.join(', ')}`)
          .raw()
          .get(values) as number[];
        expect(count).toBe(Math.max(...row));
        parameters.forEach((text, i) => {
          const slot = row[i] ?? 0;
          if (text === '?') expect([null, `?${slot}`]).toContain(names[slot - 1]);
          else if (text[0] === '?') expect(slot).toBe(Number(text.slice(1)));
          else expect(slot).toBe(names.indexOf(text) + 1);
        });
        names.forEach((name, i) => expect(name === undefined).toBe(!row.includes(i + 1)));
      }),
      { seed: 11, numRuns: 500 },
    );
    db.close();
  });
});

/** The values, or the problem. */
function resolve(parameters: string, args: unknown): unknown {
  const result = resolveArguments(layoutOf(parameters), args as never);
  return result.ok ? result.values : result.problem;
}

/** `values` with a hole in place of the entry at `index`. */
function withHole(values: readonly unknown[], index: number): unknown[] {
  const holed = new Array<unknown>(values.length);
  values.forEach((value, i) => {
    if (i !== index) holed[i] = value;
  });
  return holed;
}

describe('an array', () => {
  it('is returned as it is when its length fits', () => {
    const args = [1, undefined];
    expect(resolve('?, :a', args)).toBe(args);
    expect(resolve(':a, :b', [1, 2])).toEqual([1, 2]);
    expect(resolve('1', [])).toEqual([]);
  });

  it('must have one entry per slot', () => {
    expect(resolve('?, ?', [1, 2, 3])).toBe('expected 2 parameters, got 3');
    expect(resolve('?', [])).toBe('expected 1 parameter, got 0');
    expect(resolve('1', [1])).toBe('expected 0 parameters, got 1');
    expect(resolve('?1, ?3', [1, 2])).toBe('expected 3 parameters, got 2');
  });

  it('has an ignored entry for a slot that no parameter uses', () => {
    expect(resolve('?1, ?3', ['a', 'ignored', 'c'])).toEqual(['a', null, 'c']);
    expect(resolve('?1, ?3', withHole(['a', 'b', 'c'], 1))).toEqual(['a', null, 'c']);
  });

  it('may have no hole where a parameter is', () => {
    expect(resolveArguments(layoutOf('?, ?'), withHole([1, 2], 1))).toEqual({
      ok: false,
      problem: 'parameter 2 is a hole in the array',
      position: 2,
    });
  });
});

describe('an object', () => {
  it.each([
    [':a, @b, $c, #d', { a: 1, b: 2, c: 3, d: 4 }, [1, 2, 3, 4]],
    [':a, @b, $c', { ':a': 1, '@b': 2, $c: 3 }, [1, 2, 3]],
    [':a, @a, $a', { a: 1 }, [1, 1, 1]],
    [':a, @a', { ':a': 1, '@a': 2 }, [1, 2]],
    ['?1, ?2', { 1: 'a', '?2': 'b' }, ['a', 'b']],
    ['?1, ?3', { 1: 'a', 3: 'c' }, ['a', null, 'c']],
    [':x, :x, :y', { x: 1, y: 2 }, [1, 2]],
    [':a', { a: undefined }, [undefined]],
    [':a', Object.assign(Object.create(null), { a: 1 }), [1]],
    [':constructor, :toString', { constructor: 1, toString: 2 }, [1, 2]],
    [':__proto__', JSON.parse('{"__proto__": 1}'), [1]],
    ['1', {}, []],
  ])('%s of %j', (sql, args, values) => expect(resolve(sql, args)).toEqual(values));

  it.each([
    [':a, $b', {}, 'missing parameter(s): :a, $b'],
    [':Name', { name: 'x' }, 'missing parameter(s): :Name; no such parameter(s) in the statement: name'],
    [':a', { a: 1, b: 'secret' }, 'no such parameter(s) in the statement: b'],
    ['1', { a: 1 }, 'no such parameter(s) in the statement: a'],
    [':a', { a: 1, $a: 1 }, 'no such parameter(s) in the statement: $a'],
    [':a', { a: 1, ':a': 1 }, 'parameter :a is given twice: as :a and as a'],
    ['?', { 1: 'x' }, 'the statement has plain ? parameters: give them as an array, not as an object'],
    [':a, ?', { a: 1 }, 'the statement has plain ? parameters: give them as an array, not as an object'],
    [':constructor, :__proto__, :toString', {}, 'missing parameter(s): :constructor, :__proto__, :toString'],
  ])('%s of %j is refused', (sql, args, problem) => expect(resolve(sql, args)).toBe(problem));

  it('says where', () => {
    expect(resolveArguments(layoutOf(':a, $b'), { a: 1 })).toMatchObject({ position: '$b' });
    expect(resolveArguments(layoutOf(':a, ?'), { a: 1 })).toMatchObject({ position: 2 });
  });
});

describe('anything else', () => {
  class Point {
    x = 1;
  }
  it.each([
    [new Uint8Array(1), 'Uint8Array'],
    [Buffer.from('a'), 'Buffer'],
    [new Map(), 'Map'],
    [new Date(0), 'Date'],
    [new Point(), 'Point'],
    [Object.create(new Point()), 'Point'],
    [null, 'null'],
    ['secret', 'string'],
    [1, 'number'],
    [() => 1, 'function'],
    [Symbol('s'), 'symbol'],
  ])('%o is refused', (args, name) => {
    const problem = `parameters must be an array or a plain object, got ${name}`;
    expect(resolve(':a', args)).toBe(problem);
    expect(resolve('1', args)).toBe(problem);
  });

  it('may be left out when there are no parameters', () => {
    expect(resolve('1', undefined)).toEqual([]);
    expect(resolve('?, ?', undefined)).toBe('expected 2 parameters, got none');
  });
});
