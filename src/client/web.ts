export { TursoClient } from './client.js';
export { type ClientConfig, type Config, createClient } from './create-client.js';
export { LibsqlBatchError, LibsqlError } from './errors.js';
export { TursoClientTransaction } from './transaction.js';
export type {
  Client,
  ClientResultSet as ResultSet,
  ClientTransaction as Transaction,
  InArgs,
  InStatement,
  IntMode,
  InValue,
  Replicated,
  Row,
  TransactionMode,
  Value,
} from '../database/client-api.js';
