export type {
  AfterWrite,
  AuthToken,
  Config,
  ConnectionSetup,
  Extension,
  NetworkRetryConfig,
  PragmaValue,
  RemoteOptions,
  RetryConfig,
  Startup,
  StatementLogger,
  SyncEvent,
  SyncOptions,
  SyncTrigger,
  TransactionBehavior,
  WalEvent,
  WalTruncateConfig,
} from './config.js';
export type { AbortOptions } from './database/abort.js';
export type {
  BatchMode,
  BatchOptions,
  BatchOutcome,
  BatchStatement,
  SqlStatement,
} from './database/batch.js';
export { Database, type DatabaseDescription, open } from './database/database.js';
export type { ForeignClient } from './database/from-client.js';
export type { TransactionOptions } from './database/session.js';
export type { ExecuteOptions } from './database/executor.js';
export type { BuiltQuery, ExplainedQuery, PlanNode, QueryPlan } from './database/explain.js';
export type { Metadata } from './database/metadata.js';
export type { ResultSet, RowMode, RowObject } from './database/result.js';
export type { ScriptOptions, ScriptResult } from './database/script.js';
export { Statement, type StatementColumn, type StatementParameter } from './database/statement.js';
export type { Arguments } from './database/statements.js';
export type { StreamOptions } from './database/stream.js';
export { Transaction } from './database/transaction.js';
export {
  type Access,
  AccessError,
  AuthError,
  BusyError,
  CapabilityError,
  ConfigError,
  ConstraintError,
  type ConstraintKind,
  DatabaseError,
  type ErrorCode,
  EncryptionKeyError,
  type ErrorKind,
  type ForeignKeyViolation,
  InterruptedError,
  MigrationError,
  NetworkError,
  ParameterError,
  ProtocolError,
  ReadOnlyError,
  type SqlPosition,
  SyncError,
  TransactionError,
  TransactionLostError,
  ValueError,
} from './errors.js';
export type { AccessAction, AccessRule } from './hooks/access-rules.js';
export type { ChangeEvent, Unsubscribe } from './hooks/change-feed.js';
export type { AbandonedStream } from './database/abandoned.js';
export type { StatementEvent } from './hooks/observer.js';
export type { SyncCallOptions, SyncResult, SyncState, SyncStatus } from './sync/status.js';
export type { IntMode, SqlValue } from './values.js';
