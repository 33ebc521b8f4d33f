import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { open, ParameterError, ValueError } from '../../src/index.js';
import {
  declaredType,
  decodeVector,
  encodeVector,
  packedBits,
  type VectorShape,
  type VectorType,
} from '../../src/vector/index.js';
import { shapeOf } from '../../src/vector/vector-type.js';
import { failure, thrownBy } from '../support/outcome.js';

/** Each type with the engine's function that makes it of JSON. */
const TYPES: readonly (readonly [VectorType, string])[] = [
  ['float64', 'vector64'],
  ['float32', 'vector32'],
  ['float16', 'vector16'],
  ['bfloat16', 'vectorb16'],
  ['float8', 'vector8'],
  ['float1bit', 'vector1bit'],
];

/** Components that every type can hold. */
const components = fc.oneof(
  fc.float({ noNaN: true, noDefaultInfinity: true, min: -60_000, max: 60_000 }),
  fc.constantFrom(0, 1, -1, 0.1, 2 ** -24, 2 ** -25, 6e-8, 65_504).map(Math.fround),
);
const vectors = fc
  .array(components, { minLength: 1, maxLength: 40 })
  // JSON has no negative zero.
  .map((vector) => vector.map((component) => component + 0));

/** A float8 has bytes between its components and its numbers that the engine does not set. */
function comparable(type: VectorType, bytes: Uint8Array, dimensions: number): Uint8Array {
  const copy = Uint8Array.from(bytes);
  if (type === 'float8') copy.fill(0, dimensions, Math.ceil(dimensions / 4) * 4);
  return copy;
}

describe.each(TYPES)('%s', (type, make) => {
  it("has the bytes of the engine's own", async () => {
    await using db = open(':memory:');
    // From a blob, since the engine reads the smallest numbers in JSON less than exactly.
    const statement = db.prepare<{ v: Uint8Array }>(`select ${make}(?) as v`);
    await fc.assert(
      fc.asyncProperty(vectors, async (vector) => {
        const exact = new Uint8Array(Float32Array.from(vector).buffer);
        const [row] = await statement.all([exact]);
        const ours = encodeVector({ type, dimensions: vector.length }, vector);
        const theirs = row?.v ?? new Uint8Array();
        expect(comparable(type, ours, vector.length)).toEqual(comparable(type, theirs, vector.length));
      }),
      { numRuns: 300 },
    );
  });

  it("has the bytes of the engine's own from JSON", async () => {
    await using db = open(':memory:');
    const vector = [1, 0.5, -0.25, 3, 100, -7.125, 0.1];
    const { rows } = await db.execute(`select ${make}(?) as v`, [JSON.stringify(vector)]);
    const ours = encodeVector({ type, dimensions: vector.length }, vector);
    expect(comparable(type, rows[0]?.['v'] as Uint8Array, vector.length)).toEqual(ours);
  });

  it('comes back as it was, or within what the type keeps', async () => {
    await using db = open(':memory:');
    await db.execute(`create table t (id integer primary key, v ${declaredType({ type, dimensions: 40 })})`);
    await fc.assert(
      fc.asyncProperty(vectors, async (vector) => {
        const shape = { type, dimensions: vector.length };
        await db.execute('insert or replace into t values (1, ?)', [encodeVector(shape, vector)]);
        const { rows } = await db.execute('select v from t');
        const decoded = Array.from(decodeVector(shape, rows[0]?.['v'] as Uint8Array));
        const range = Math.max(...vector) - Math.min(...vector);
        for (const [i, component] of vector.entries()) {
          const got = decoded[i] as number;
          const error = Math.abs(got - component);
          if (type === 'float64' || type === 'float32') expect(got).toBe(component);
          else if (type === 'float1bit') expect(got).toBe(component > 0 ? 1 : -1);
          else if (type === 'float8')
            expect(error).toBeLessThanOrEqual(range / 500 + range * 1e-5 + Math.abs(component) * 1e-6);
          else if (type === 'float16')
            expect(error).toBeLessThanOrEqual(Math.abs(component) / 2_000 + 2 ** -24);
          else expect(error).toBeLessThanOrEqual(Math.abs(component) / 127 + 2 ** -126);
        }
      }),
      { numRuns: 200 },
    );
  });

  it('is the same from any form of numbers', () => {
    const shape = { type, dimensions: 3 };
    const expected = encodeVector(shape, [1, -2, 0.5]);
    expect(encodeVector(shape, Float32Array.of(1, -2, 0.5))).toEqual(expected);
    expect(encodeVector(shape, Float64Array.of(1, -2, 0.5))).toEqual(expected);
    expect(encodeVector(shape, Float32Array.of(9, 1, -2, 0.5, 9).subarray(1, 4))).toEqual(expected);
  });

  it('is read from anywhere in a buffer', () => {
    const shape = { type, dimensions: 5 };
    const bytes = encodeVector(shape, [1, 2, 3, 4, 5]);
    for (const offset of [0, 1, 2, 3, 4, 7]) {
      const larger = new Uint8Array(bytes.length + 16).fill(7);
      larger.set(bytes, offset);
      const view = larger.subarray(offset, offset + bytes.length);
      expect(decodeVector(shape, view)).toEqual(decodeVector(shape, bytes));
    }
    // A Buffer has its bytes anywhere in a pool, and its `slice()` is no copy.
    for (let i = 0; i < 20; i++) {
      expect(decodeVector(shape, Buffer.from(bytes))).toEqual(decodeVector(shape, bytes));
    }
  });

  it('refuses what is no vector of it before the database sees it', () => {
    const shape: VectorShape = { type, dimensions: 3 };
    for (const wrong of [
      [],
      [1, 2],
      [1, 2, 3, 4],
      [1, 2, NaN],
      [1, Infinity, 3],
      [1, 2, null],
      [1, 2, '3'],
      [1, 2, undefined],
      // oxlint-disable-next-line no-sparse-arrays -- a hole is what is refused
      [1, , 3],
      '[1,2,3]',
      null,
      new Uint8Array(12),
      { length: 3 },
    ]) {
      thrownBy(() => encodeVector(shape, wrong as never), ParameterError);
    }
    thrownBy(() => encodeVector(shape, Float32Array.of(1, NaN, 2)), ParameterError);
  });

  it('refuses bytes of another type or length', () => {
    const shape: VectorShape = { type, dimensions: 24 };
    const vector = Array.from({ length: 24 }, (_, i) => i);
    for (const [other] of TYPES) {
      if (other === type) continue;
      thrownBy(() => decodeVector(shape, encodeVector({ type: other, dimensions: 24 }, vector)), ValueError);
    }
    thrownBy(() => decodeVector(shape, encodeVector({ type, dimensions: 23 }, vector.slice(1))), ValueError);
    thrownBy(() => decodeVector(shape, new Uint8Array()), ValueError);
    thrownBy(() => decodeVector(shape, 'text' as never), ValueError);
  });

  it('has a declared type that is recognized', () => {
    expect(shapeOf(declaredType({ type, dimensions: 384 }))).toEqual({ type, dimensions: 384 });
  });
});

it('a component that is too large for its type is refused, and not infinite', () => {
  thrownBy(() => encodeVector({ type: 'float32', dimensions: 1 }, [1e39]), ParameterError);
  thrownBy(() => encodeVector({ type: 'float16', dimensions: 1 }, [65_520]), ParameterError);
  thrownBy(() => encodeVector({ type: 'float8', dimensions: 2 }, [3e38, -3e38]), ParameterError);
  expect(
    decodeVector(
      { type: 'float64', dimensions: 1 },
      encodeVector({ type: 'float64', dimensions: 1 }, [1e300]),
    )[0],
  ).toBe(1e300);
});

it.each([0, -1, 1.5, NaN, Infinity, 65_537, 70_000, '3', undefined])(
  '%s dimensions are refused',
  (dimensions) => {
    thrownBy(() => declaredType({ type: 'float32', dimensions: dimensions as number }), ParameterError);
    thrownBy(() => encodeVector({ type: 'float32', dimensions: dimensions as number }, [1]), ParameterError);
  },
);

it('an unknown type is refused', () => {
  thrownBy(() => declaredType({ type: 'float7' as never, dimensions: 3 }), ParameterError);
});

it('the signs of a float1bit come packed', () => {
  const shape = { type: 'float1bit', dimensions: 10 } as const;
  const bytes = encodeVector(shape, [1, -1, 1, 1, 0, 0, 0, 2, -3, 4]);
  expect(packedBits(10, bytes)).toEqual(Uint8Array.of(0b1000_1101, 0b10));
  thrownBy(() => packedBits(3, bytes), ValueError);
});

it('names no component in a message', async () => {
  const error = await failure(
    () => encodeVector({ type: 'float32', dimensions: 2 }, [123_456, NaN]),
    ParameterError,
  );
  expect(error.message).not.toContain('123');
});
