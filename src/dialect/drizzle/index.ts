export { TursoDatabase } from './database.js';
export { drizzle, type TursoDrizzleConfig } from './driver.js';
export {
  type MigrateConfig,
  type Migration,
  type MigrationOptions,
  type MigrationReport,
  migrate,
} from './migrator.js';
export { TursoPreparedQuery } from './prepared-query.js';
export { TursoSession, type TursoSessionOptions } from './session.js';
export type { StreamableQuery, StreamedRow, StreamQueryOptions } from './stream.js';
export { TursoTransaction } from './transaction.js';
export {
  type VectorColumnBuilder,
  type VectorColumnConfig,
  vector,
  vector1bit,
  vector8,
  vector16,
  vector32,
  vector64,
  vectorb16,
} from './vector/column.js';
export {
  cosineDistance,
  dotProduct,
  jaccardDistance,
  l2Distance,
  type VectorOperand,
} from './vector/distance.js';
export { vectorIndex } from './vector/index-builder.js';
export {
  type DrizzleNearestOptions,
  type NearestRow,
  nearest,
  recall,
  type VectorDatabase,
} from './vector/nearest.js';
export { insertMany } from './insert-many.js';
export type { InsertManyOptions } from '../../database/chunks.js';
