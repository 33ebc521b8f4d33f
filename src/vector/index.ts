export { decodeVector, encodeVector, packedBits } from './codec.js';
export type { NearestOptions } from './nearest.js';
export type { RecallReport } from './recall.js';
export { type VectorIndexOptions, type VectorMetric, vectorIndexSql } from './vector-index.js';
export {
  declaredType,
  MAX_DIMENSIONS,
  type VectorInput,
  type VectorOutput,
  type VectorShape,
  type VectorType,
} from './vector-type.js';
