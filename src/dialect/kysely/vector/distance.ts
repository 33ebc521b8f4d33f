import { type Expression, type RawBuilder, sql } from 'kysely';
import { CapabilityError } from '../../../errors.js';
import { encodeVector } from '../../../vector/codec.js';
import { distanceFunction } from '../../../vector/nearest.js';
import type { VectorMetric } from '../../../vector/vector-index.js';
import type { VectorInput, VectorType } from '../../../vector/vector-type.js';

/** A column (`eb.ref('embedding')`) or expression with vectors, or a vector. */
export type VectorOperand = Expression<unknown> | VectorInput;

/**
 * How far apart two vectors are by their angle: 1 - cos, from 0 to 2; for `float1bit` the number of different bits. NULL
 * where either is NULL or consists of zeros.
 *
 * @param type - of the column, by which a vector is encoded; `'float32'` if not told
 * @throws {@link ParameterError} when a component is not finite
 *
 * @example
 * ```ts
 * import { Kysely } from 'kysely';
 * import { cosineDistance, TursoDialect } from 'turso-dialect/kysely';
 *
 * const db = new Kysely<{ notes: { id: number; embedding: Uint8Array } }>({ dialect: new TursoDialect(':memory:') });
 * const query = db
 *   .selectFrom('notes')
 *   .select((eb) => ['id', cosineDistance(eb.ref('embedding'), [1, 2, 3]).as('distance')])
 *   .orderBy('distance');
 * ```
 */
export function cosineDistance(
  left: VectorOperand,
  right: VectorOperand,
  type: VectorType = 'float32',
): RawBuilder<number | null> {
  return distance('cosine', left, right, type);
}

/**
 * How far apart two vectors are: the length of their difference. NULL where either is NULL.
 *
 * @param type - of the column, by which a vector is encoded; `'float32'` if not told
 * @throws {@link CapabilityError} for `float1bit`
 */
export function l2Distance(
  left: VectorOperand,
  right: VectorOperand,
  type: VectorType = 'float32',
): RawBuilder<number | null> {
  if (type === 'float1bit') throw new CapabilityError('l2', "a float1bit vector has no 'l2' distance");
  return distance('l2', left, right, type);
}

/**
 * The dot product of two vectors, which only the Turso engine has.
 *
 * @throws {@link CapabilityError} always, in this version
 */
export function dotProduct(_left: VectorOperand, _right: VectorOperand): RawBuilder<number | null> {
  throw new CapabilityError('dotProduct', 'libSQL has no dot product of vectors');
}

/**
 * The Jaccard distance of two vectors, which only the Turso engine has.
 *
 * @throws {@link CapabilityError} always, in this version
 */
export function jaccardDistance(_left: VectorOperand, _right: VectorOperand): RawBuilder<number | null> {
  throw new CapabilityError('jaccardDistance', 'libSQL has no Jaccard distance of vectors');
}

function distance(
  metric: VectorMetric,
  left: VectorOperand,
  right: VectorOperand,
  type: VectorType,
): RawBuilder<number | null> {
  const operands = [left, right].map((operand) => toExpression(operand, type));
  const call = sql<number | null>`${sql.raw(distanceFunction(metric))}(${sql.join(operands)})`;
  // The function fails on NULL (libsql 0.5.29).
  const present = [left, right].flatMap((operand) =>
    isExpression(operand) ? [sql`${operand} is not null`] : [],
  );
  return present.length === 0 ? call : sql`case when ${sql.join(present, sql` and `)} then ${call} end`;
}

function toExpression(operand: VectorOperand, type: VectorType): Expression<unknown> {
  if (isExpression(operand)) return operand;
  return sql`${encodeVector({ type, dimensions: operand.length }, operand)}`;
}

function isExpression(operand: VectorOperand): operand is Expression<unknown> {
  return typeof operand === 'object' && 'toOperationNode' in operand;
}
