/**
 * The interface of `@libsql/client`, as far as it is used: what an application hands in as `client`. Others have it too,
 * `@tursodatabase/serverless/compat` for instance, or a wrapper around one.
 */
export interface Client {
  /** `http`, `ws` or `file` in `@libsql/client`. */
  readonly protocol?: unknown;
  execute(statement: ClientStatement): Promise<ClientResult>;
  /** Runs a script without values. */
  executeMultiple(sql: string): Promise<void>;
  transaction(mode: 'write' | 'deferred'): Promise<ClientTransaction>;
}

/** A statement with its values by position. */
export interface ClientStatement {
  readonly sql: string;
  readonly args: unknown[];
}

/** What a statement gave. */
export interface ClientResult {
  readonly columns: readonly string[];
  readonly columnTypes?: readonly (string | null)[];
  /** Values by index. */
  readonly rows: readonly ArrayLike<unknown>[];
  readonly rowsAffected: number;
  readonly lastInsertRowid?: bigint | number | undefined;
}

/** A transaction of a client. */
export interface ClientTransaction {
  execute(statement: ClientStatement): Promise<ClientResult>;
  executeMultiple(sql: string): Promise<void>;
  commit(): Promise<void>;
  rollback(): Promise<void>;
  close(): void;
  readonly closed?: boolean;
}
