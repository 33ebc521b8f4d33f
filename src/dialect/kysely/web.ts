export { type BatchOutcomes, type BatchQuery, type BatchResult, type BatchResults, batch } from './batch.js';
export { inBehavior } from './behavior.js';
export { clientOf } from './client.js';
export { TursoDialect, TursoDialect as LibsqlDialect } from './dialect.js';
export type {
  LibsqlDialectConfig,
  TursoDialectClient,
  TursoDialectConfig,
  TursoDialectDatabase,
  TursoDialectSource,
} from './dialect-config.js';
export { TursoDriver } from './driver.js';
export {
  describeTables,
  type TursoColumnMetadata,
  TursoIntrospector,
  type TursoTableMetadata,
} from './introspector.js';
export { sync } from './sync.js';
export { transaction } from './transaction.js';
export type { ColumnKind } from './column-kinds.js';
export { json, TursoTypesPlugin, type TursoTypesPluginOptions } from './types-plugin.js';
export { type VectorColumn, vectorIndex, vectorType } from './vector/column.js';
export {
  cosineDistance,
  dotProduct,
  jaccardDistance,
  l2Distance,
  type VectorOperand,
} from './vector/distance.js';
export { type KyselyNearestOptions, type NearestRow, nearest, recall } from './vector/nearest.js';
export { insertMany } from './insert-many.js';
export type { InsertManyOptions } from '../../database/chunks.js';
