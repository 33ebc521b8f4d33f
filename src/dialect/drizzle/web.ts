export type { DatabaseClient } from '../../client/database-client.js';
export { TursoDatabase } from './database.js';
export {
  drizzle,
  type TursoDrizzleClientConfig,
  type TursoDrizzleConfig,
  type TursoDrizzleConnectionConfig,
} from './driver.js';
export { LibSQLDatabase } from './libsql-names.js';
export {
  type MigrateConfig,
  type Migration,
  type MigrationOptions,
  type MigrationReport,
  migrate,
} from './migrate.js';
export { TursoPreparedQuery, TursoPreparedQuery as LibSQLPreparedQuery } from './prepared-query.js';
export type { RunResult, RunRow } from './run-result.js';
export {
  TursoSession,
  TursoSession as LibSQLSession,
  type TursoSessionOptions,
  type TursoSessionOptions as LibSQLSessionOptions,
} from './session.js';
export type { StreamableQuery, StreamedRow, StreamQueryOptions } from './stream.js';
export { TursoTransaction, TursoTransaction as LibSQLTransaction } from './transaction.js';
export {
  type VectorColumn,
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
