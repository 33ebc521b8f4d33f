import { protocolError } from '../../../errors.js';
import type { SqlValue } from '../../../values.js';
import { LastRowid } from '../hrana/last-rowid.js';
import {
  type BatchStep,
  type Condition,
  CURRENT_VERSION,
  type EntrySource,
  type HranaStream,
  type ResultColumn,
  type Step,
  type StepOutcome,
  type StepResult,
} from '../hrana/protocol.js';
import { wholeEntries } from '../hrana/whole-entries.js';
import type { Client, ClientTransaction } from './client.js';
import { decodeClientValue } from './client-value.js';

/** What a statement of `@libsql/hrana-client` 0.10 gave. */
interface RowsResult {
  readonly columnNames: readonly (string | undefined)[];
  readonly columnDecltypes: readonly (string | undefined)[];
  readonly rows: readonly ArrayLike<unknown>[];
  readonly affectedRowCount: number;
  readonly lastInsertRowid: bigint | undefined;
}

type Statement = [sql: string, args: readonly unknown[] | Readonly<Record<string, unknown>>];

interface BatchBuilder {
  step(): {
    condition(condition: { readonly _proto: object }): unknown;
    query(statement: Statement): Promise<RowsResult | undefined>;
  };
  execute(): Promise<void>;
}

/** The stream of `@libsql/hrana-client` 0.10 that a transaction of `@libsql/client` 0.18 has. */
interface ClientStream {
  intMode: 'number' | 'bigint' | 'string';
  query(statement: Statement): Promise<RowsResult>;
  batch(inParts: boolean): BatchBuilder;
  describe(sql: string): Promise<{ columns: readonly { name: string; decltype?: string | undefined }[] }>;
  getAutocommit(): Promise<boolean>;
  closeGracefully(): void;
  client(): { getVersion(): Promise<number> };
}

/** Names of the classes of `@libsql/client` for a server. */
const KNOWN: ReadonlySet<unknown> = new Set(['HttpClient', 'WsClient']);

/** Whether it is a client of `@libsql/client` for a server, whose streams can do more than its public methods. */
export function isHranaClient(client: Client): boolean {
  return KNOWN.has(client.constructor?.name) && (client.protocol === 'http' || client.protocol === 'ws');
}

/**
 * Opens a stream of such a client: it has EXCLUSIVE, exact integers whatever the client is set to, and conditions.
 *
 * @param release - called when it is closed
 * @returns undefined where the client does not have what it is known for
 */
export async function openClientStream(
  client: Client,
  release: () => void,
): Promise<HranaStream | undefined> {
  const transaction = (await client.transaction('deferred')) as ClientTransaction & {
    _getStream?(): ClientStream;
  };
  const stream = transaction._getStream?.();
  if (typeof stream?.batch !== 'function' || typeof stream.client !== 'function') {
    transaction.close();
    return undefined;
  }
  stream.intMode = 'bigint';
  const version = await stream.client().getVersion();
  const close = (): void => {
    transaction.close();
    release();
  };
  return new HranaClientStream(stream, version, close);
}

class HranaClientStream implements HranaStream {
  readonly version: number;
  readonly #stream: ClientStream;
  readonly #release: () => void;
  readonly #rowid = new LastRowid();
  #open = true;

  constructor(stream: ClientStream, version: number, release: () => void) {
    this.#stream = stream;
    this.version = version;
    this.#release = release;
  }

  get open(): boolean {
    return this.#open;
  }

  get reusable(): boolean {
    return false;
  }

  async execute(step: Step, last = false): Promise<StepResult> {
    const running = this.#stream.query(toStatement(step));
    if (last) this.#stream.closeGracefully();
    try {
      return this.#rowid.note(toResult(await running, step));
    } catch (error) {
      throw this.#rowid.note(error as Error);
    }
  }

  async batch(steps: readonly BatchStep[], last = false): Promise<StepOutcome[]> {
    return await this.#batch(steps, last, false);
  }

  async describe(sql: string): Promise<ResultColumn[]> {
    const { columns } = await this.#stream.describe(sql);
    return columns.map(({ name, decltype }) => ({ name, type: decltype ?? '' }));
  }

  async isAutocommit(): Promise<boolean> {
    return await this.#stream.getAutocommit();
  }

  /** Comes as a whole, but without the limit of a message. */
  async openCursor(steps: readonly BatchStep[]): Promise<EntrySource> {
    return wholeEntries(await this.#batch(steps, false, true));
  }

  close(): void {
    if (!this.#open) return;
    this.#open = false;
    this.#release();
  }

  async #batch(steps: readonly BatchStep[], last: boolean, inParts: boolean): Promise<StepOutcome[]> {
    const batch = this.#stream.batch(inParts);
    const running = steps.map(({ step, conditions }) => {
      const added = batch.step();
      for (const condition of conditions) {
        const known = condition.type !== 'in_transaction' || this.version >= CURRENT_VERSION;
        if (known) added.condition({ _proto: toProto(condition) });
      }
      return added.query(toStatement(step));
    });
    const settled = Promise.allSettled(running);
    const executed = batch.execute();
    if (last) this.#stream.closeGracefully();
    await executed;
    return (await settled).map((outcome, i) => {
      if (outcome.status === 'rejected') return this.#rowid.note(outcome.reason as Error);
      const { step } = steps[i] as BatchStep;
      return outcome.value === undefined ? undefined : this.#rowid.note(toResult(outcome.value, step));
    });
  }
}

function toStatement({ sql, args, names }: Step): Statement {
  if (names === undefined) return [sql, args];
  const named: Record<string, SqlValue> = {};
  for (const [i, name] of names.entries()) if (name !== undefined) named[name] = args[i] ?? null;
  return [sql, named];
}

function toProto(condition: Condition): object {
  if (condition.type === 'in_transaction') return { type: 'not', cond: { type: 'is_autocommit' } };
  const succeeded = { type: 'ok', step: condition.step };
  return condition.type === 'ok' ? succeeded : { type: 'not', cond: succeeded };
}

function toResult(result: RowsResult, { exact }: Step): StepResult {
  const columns = result.columnNames.map((name, i) => ({
    name: name ?? '',
    type: result.columnDecltypes[i] ?? '',
  }));
  const rows = result.rows.map((row) => {
    if (row.length !== columns.length) throw protocolError('a row has the wrong number of values');
    return Array.from(row, (value, i) => decodeClientValue(value, columns[i] as ResultColumn, exact));
  });
  return { columns, rows, rowsAffected: result.affectedRowCount, lastInsertRowid: result.lastInsertRowid };
}
