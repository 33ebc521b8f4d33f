import { Column, is, type SQL, sql, type SQLWrapper } from 'drizzle-orm';
import { CapabilityError } from '../../../errors.js';
import { encodeVector } from '../../../vector/codec.js';
import { distanceFunction } from '../../../vector/nearest.js';
import type { VectorMetric } from '../../../vector/vector-index.js';
import { shapeOf, type VectorInput } from '../../../vector/vector-type.js';

/** A column or expression with vectors, or a vector. */
export type VectorOperand = SQLWrapper | VectorInput;

/**
 * How far apart two vectors are by their angle: 1 - cos, from 0 to 2; for `float1bit` the number of different bits. NULL
 * where either is NULL or consists of zeros.
 *
 * @param left - a column of vectors, or an expression
 * @param right - the same, or a vector, which is encoded as the column `left`
 * @throws {@link ParameterError} when the vector has other dimensions than the column
 *
 * @example
 * ```ts
 * import { sqliteTable } from 'drizzle-orm/sqlite-core';
 * import { cosineDistance, drizzle, vector } from 'turso-dialect/drizzle';
 *
 * const notes = sqliteTable('notes', { embedding: vector({ dimensions: 3 }) });
 * const db = drizzle(':memory:');
 * const distance = cosineDistance(notes.embedding, [1, 2, 3]);
 * const query = db.select({ distance }).from(notes).orderBy(distance).limit(5);
 * ```
 */
export function cosineDistance(left: VectorOperand, right: VectorOperand): SQL<number | null> {
  return distance('cosine', left, right);
}

/**
 * How far apart two vectors are: the length of their difference. NULL where either is NULL.
 *
 * @param left - a column of vectors, or an expression
 * @param right - the same, or a vector, which is encoded as the column `left`
 * @throws {@link CapabilityError} for a column of `float1bit` vectors
 * @throws {@link ParameterError} when the vector has other dimensions than the column
 */
export function l2Distance(left: VectorOperand, right: VectorOperand): SQL<number | null> {
  for (const operand of [left, right]) {
    if (is(operand, Column) && shapeOf(operand.getSQLType())?.type === 'float1bit') {
      throw new CapabilityError('l2', "a float1bit vector has no 'l2' distance");
    }
  }
  return distance('l2', left, right);
}

/**
 * The dot product of two vectors, which only the Turso engine has.
 *
 * @throws {@link CapabilityError} always, in this version
 */
export function dotProduct(_left: VectorOperand, _right: VectorOperand): SQL<number | null> {
  throw new CapabilityError('dotProduct', 'libSQL has no dot product of vectors');
}

/**
 * The Jaccard distance of two vectors, which only the Turso engine has.
 *
 * @throws {@link CapabilityError} always, in this version
 */
export function jaccardDistance(_left: VectorOperand, _right: VectorOperand): SQL<number | null> {
  throw new CapabilityError('jaccardDistance', 'libSQL has no Jaccard distance of vectors');
}

function distance(metric: VectorMetric, left: VectorOperand, right: VectorOperand): SQL<number | null> {
  const operands = [encoded(left, right), encoded(right, left)] as const;
  const call = sql<number | null>`${sql.raw(distanceFunction(metric))}(${operands[0]}, ${operands[1]})`;
  // The function fails on NULL (libsql 0.5.29).
  const nullable = operands.filter(
    (operand) => !(is(operand, Column) && operand.notNull) && isWrapper(operand),
  );
  const present = nullable.map((operand) => sql`${operand} is not null`);
  return present.length === 0 ? call : sql`case when ${sql.join(present, sql` and `)} then ${call} end`;
}

/** A vector as bytes of the type that the other side has. */
function encoded(operand: VectorOperand, other: VectorOperand): SQLWrapper | Uint8Array {
  if (isWrapper(operand)) return operand;
  const shape = is(other, Column) ? shapeOf(other.getSQLType()) : undefined;
  return encodeVector(shape ?? { type: 'float32', dimensions: operand.length }, operand);
}

function isWrapper(operand: VectorOperand | Uint8Array): operand is SQLWrapper {
  return typeof operand === 'object' && 'getSQL' in operand;
}
