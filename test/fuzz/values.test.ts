import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ParameterError, type SqlValue } from '../../src/index.js';
import { toWellFormed } from '../../src/values.js';
import { openMemory } from '../support/database.js';

/** Whatever JavaScript has, the values that SQLite has among it. */
const anything = fc.oneof(
  fc.anything({
    ...{
      withBigInt: true,
      withDate: true,
      withTypedArray: true,
      withBoxedValues: true,
      withSparseArray: true,
    },
    ...{ withMap: true, withSet: true, withNullPrototype: true, maxDepth: 1 },
  }),
  fc.string({ unit: 'binary' }),
  fc.string({ unit: 'grapheme' }),
  fc.double(),
  fc.maxSafeInteger(),
  fc.bigInt(),
  fc.uint8Array({ maxLength: 40 }),
  fc.float32Array({ maxLength: 8 }).map((array) => array.subarray(1)),
  fc.constantFrom(Symbol('s'), () => 1, -0, 2 ** 53, -(2n ** 63n), 2n ** 63n, new Date(NaN), '\0', '\uD800'),
);

/** What a value is to come back as; undefined for what must be refused. */
function expected(value: unknown): SqlValue | undefined {
  if (value === null) return null;
  if (typeof value === 'boolean') return value ? 1n : 0n;
  if (typeof value === 'bigint') return BigInt.asIntN(64, value) === value ? value : undefined;
  if (typeof value === 'number') {
    if (!Number.isFinite(value)) return undefined;
    return Number.isSafeInteger(value) && !Object.is(value, -0) ? BigInt(value) : value;
  }
  if (typeof value === 'string') return value.includes('\0') ? undefined : toWellFormed(value);
  if (ArrayBuffer.isView(value)) {
    return new Uint8Array(
      value.buffer.slice(value.byteOffset, value.byteOffset + value.byteLength) as ArrayBuffer,
    );
  }
  return value instanceof ArrayBuffer ? new Uint8Array(value) : undefined;
}

describe('whatever the value', { timeout: 120_000 }, () => {
  it('it comes back as it was or is refused, 25,000 times, alone and among others', async () => {
    const db = await openMemory('create table t (v)', { intMode: 'bigint' });
    let refused = 0;
    await fc.assert(
      fc.asyncProperty(anything, fc.boolean(), async (value, named) => {
        const sql = named ? 'select :v as v' : 'select ? as v';
        const args = named ? { v: value } : [value];
        const wanted = expected(value);
        const result = await db.execute(sql, args).catch((error: unknown) => error);
        if (wanted === undefined) {
          refused++;
          expect(result).toBeInstanceOf(ParameterError);
          expect((result as ParameterError).parameter).toBe(named ? ':v' : 0);
        } else {
          const got = (result as { rows: { v: SqlValue }[] }).rows[0]?.v;
          if (wanted instanceof Uint8Array)
            expect(Buffer.from(got as Uint8Array)).toEqual(Buffer.from(wanted));
          else expect(got).toBe(wanted);
        }
      }),
      { numRuns: 25_000 },
    );
    expect(refused).toBeGreaterThan(1_000);
    expect((await db.execute('select 1 as one')).rows).toEqual([{ one: 1n }]);
  });
});
