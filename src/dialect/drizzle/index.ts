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
