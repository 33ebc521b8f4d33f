export { TursoDatabase } from './database.js';
export { drizzle } from './driver.js';
export { migrate } from './migrator.js';
export { TursoPreparedQuery } from './prepared-query.js';
export { TursoSession } from './session.js';
export { TursoTransaction } from './transaction.js';
