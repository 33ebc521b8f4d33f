import { protocolError } from '../../../errors.js';
import type { Place } from '../places.js';
import { KnownSchema } from './known-schema.js';
import { LastRowid } from './last-rowid.js';
import {
  asObject,
  decodeBatch,
  decodeDescription,
  decodeResult,
  encodeBatch,
  encodeStep,
  EntryDecoder,
} from './message.js';
import {
  type BatchStep,
  type Condition,
  CURRENT_VERSION,
  type CursorEntry,
  type EntrySource,
  type HranaStream,
  type ResultColumn,
  ServerError,
  type Step,
  type StepOutcome,
  type StepResult,
} from './protocol.js';
import { type Replication, replicationMember } from './replication.js';
import { wholeEntries } from './whole-entries.js';
import type { WsConnection } from './ws-connection.js';

/** Has a connection of the server read the schema again if it has changed. */
const LOOK_AT_SCHEMA: BatchStep = {
  step: { sql: 'SELECT 1 FROM sqlite_schema LIMIT 0', args: [], rows: false, exact: false },
  conditions: [],
};

/** A stream over WebSocket. */
export class WsStream implements HranaStream {
  /** Its place among the streams at the server. */
  readonly place: Place;
  readonly #connection: WsConnection;
  readonly #id: number;
  readonly #replication: Replication;
  readonly #keep: (stream: WsStream) => void;
  readonly #rowid = new LastRowid();
  readonly #schema = new KnownSchema();
  #state: 'new' | 'open' | 'broken' | 'closed' = 'new';
  /** Whether its connection may remember an old schema. */
  #remembers = false;

  /**
   * @param place - given back when the stream has ended
   * @param keep - takes a clean one, to use it again
   */
  constructor(
    connection: WsConnection,
    replication: Replication,
    place: Place,
    keep: (stream: WsStream) => void,
  ) {
    this.#replication = replication;
    this.#connection = connection;
    this.place = place;
    this.#keep = keep;
    this.#id = connection.enter();
  }

  get version(): number {
    return this.#connection.version;
  }

  get reusable(): boolean {
    return true;
  }

  get open(): boolean {
    return this.#connection.open && (this.#state === 'new' || this.#state === 'open');
  }

  async execute(step: Step, last = false): Promise<StepResult> {
    const remembers = this.#remembers;
    this.#remembers = false;
    const unsure = remembers && (last || step.sql.includes('*'));
    // What only reads may run twice.
    const looks = unsure && (last || step.reads !== true || !this.#schema.isCurrent);
    if (looks) return await this.#executeAfterLook(step, last);
    let result: StepResult | undefined;
    try {
      result = await this.#executeOnce(step, last);
    } catch (error) {
      if (!remembers || !isDoubtful(error)) throw error;
    }
    if (result !== undefined && (!unsure || this.#schema.isCurrent)) return result;
    return await this.#executeAfterLook(step, last);
  }

  async #executeOnce(step: Step, last: boolean): Promise<StepResult> {
    const { index } = this.#replication;
    const stmt = encodeStep(step, this.#connection.texts.numberOf, replicationMember(index));
    const { result } = await this.#send(`"type":"execute","stmt":${stmt}`, last);
    // Here only a batch is waited with (sqld 0.24).
    if (step.reads && !last && this.#replication.isBehind(result, index))
      return only(await this.batch([{ step, conditions: [] }]));
    this.#replication.note(result, index);
    this.#schema.note(result);
    return this.#rowid.note(decodeResult(result, step.exact));
  }

  async batch(steps: readonly BatchStep[], last = false): Promise<StepOutcome[]> {
    if (this.#remembers) return await this.#batchOfKept(steps, last);
    const { index } = this.#replication;
    const more = replicationMember(index);
    const batch = encodeBatch(steps, this.#connection.texts.numberOf, this.version, more);
    const { result } = await this.#send(`"type":"batch","batch":${batch}`, last);
    this.#replication.note(result, index);
    this.#schema.note(result, steps[0] === LOOK_AT_SCHEMA);
    return decodeBatch(result, steps).map((outcome) => this.#rowid.note(outcome));
  }

  async describe(sql: string, last = false): Promise<ResultColumn[]> {
    const response = await this.#send(`"type":"describe","sql":${JSON.stringify(sql)}`, last);
    return decodeDescription(response['result']);
  }

  async isAutocommit(): Promise<boolean> {
    const { is_autocommit } = await this.#send('"type":"get_autocommit"');
    if (typeof is_autocommit !== 'boolean') throw protocolError('the state of the transaction is missing');
    return is_autocommit;
  }

  async openCursor(steps: readonly BatchStep[]): Promise<EntrySource> {
    if (this.version < CURRENT_VERSION) return wholeEntries(await this.batch(steps));
    this.#rowid.forget();
    if (this.#remembers) await this.batch([LOOK_AT_SCHEMA]);
    const id = this.#connection.nextCursor();
    const more = replicationMember(this.#replication.index);
    const batch = encodeBatch(steps, this.#connection.texts.numberOf, this.version, more);
    await this.#send(`"type":"open_cursor","cursor_id":${id},"batch":${batch}`);
    return new WsCursor(this.#connection, id, steps);
  }

  close(clean = false): void {
    if (this.#state === 'closed') return;
    if (clean && this.#state === 'open' && this.#connection.open) {
      this.#remembers = true;
      this.#keep(this);
      return;
    }
    if (this.#state !== 'new') this.#tellEnd();
    this.#end();
  }

  async #executeAfterLook(step: Step, last: boolean): Promise<StepResult> {
    return only((await this.batch([LOOK_AT_SCHEMA, { step, conditions: [] }], last)).slice(1));
  }

  /**
   * Runs steps on a connection that was kept, which compiles with the schema that it remembers. The server (sqld 0.24) asks for
   * the columns before SQLite notices that the schema is another, so where a `*` stands it is read first; some errors are not
   * checked against it, so what failed last is run once more.
   */
  async #batchOfKept(steps: readonly BatchStep[], last: boolean): Promise<StepOutcome[]> {
    this.#remembers = false;
    const plain = !last && steps.length <= 2 && !steps.some(({ step }) => step.sql.includes('*'));
    if (!plain) return (await this.batch([LOOK_AT_SCHEMA, ...steps.map(afterLook)], last)).slice(1);
    const outcomes = await this.batch(steps);
    const failed = steps.length - 1;
    if (isDoubtful(outcomes[failed])) {
      const { step, conditions } = steps[failed] as BatchStep;
      const open = conditions.filter(({ type }) => type === 'in_transaction');
      outcomes[failed] = (await this.batch([LOOK_AT_SCHEMA, { step, conditions: open }]))[1];
    }
    return outcomes;
  }

  /** @param request - what {@link WsConnection.request} takes, without the number of the stream */
  async #send(request: string, last = false): Promise<Record<string, unknown>> {
    const connection = this.#connection;
    for (const note of connection.texts.takeNotes()) connection.tell(note);
    if (this.#state === 'new') {
      connection.tell(`"type":"open_stream","stream_id":${this.#id}`);
      this.#state = 'open';
    }
    try {
      const answer = connection.request(`${request},"stream_id":${this.#id}`);
      // The server does one after the other, so its end need not wait for the answer.
      if (last) this.#tellEnd();
      // What stops all calls closes the socket, which ends the wait as well.
      return await answer;
    } catch (error) {
      this.#rowid.forget();
      if (!connection.open && this.#state === 'open') this.#state = 'broken';
      throw error;
    } finally {
      if (last) this.#end();
    }
  }

  #tellEnd(): void {
    this.#connection.tell(`"type":"close_stream","stream_id":${this.#id}`);
  }

  #end(): void {
    if (this.#state === 'closed') return;
    this.#state = 'closed';
    this.#connection.leave();
    this.place.release();
  }
}

/** A cursor over WebSocket, whose entries are asked for. */
class WsCursor implements EntrySource {
  readonly #connection: WsConnection;
  readonly #id: number;
  readonly #decoder: EntryDecoder;
  #state: 'open' | 'read' | 'closed' = 'open';

  constructor(connection: WsConnection, id: number, steps: readonly BatchStep[]) {
    this.#connection = connection;
    this.#id = id;
    this.#decoder = new EntryDecoder(steps);
  }

  async next(wanted: number): Promise<CursorEntry[] | undefined> {
    if (this.#state !== 'open') return undefined;
    try {
      const request = `"type":"fetch_cursor","cursor_id":${this.#id},"max_count":${wanted}`;
      const { entries, done } = await this.#connection.request(request);
      if (!Array.isArray(entries)) throw protocolError('a cursor has no entries');
      if (done === true) this.#state = 'read';
      return entries
        .map((entry: unknown) => this.#decoder.decode(asObject(entry, 'an entry of a cursor')))
        .filter((entry) => entry !== undefined);
    } catch (error) {
      this.close();
      throw error;
    }
  }

  close(): void {
    if (this.#state === 'closed') return;
    const read = this.#state === 'read';
    this.#state = 'closed';
    // sqld 0.24 computes the rest of a cursor that is closed before its end, and keeps its stream until then; only the end
    // of the socket stops it. A cursor has a socket for itself.
    if (read) this.#connection.tell(`"type":"close_cursor","cursor_id":${this.#id}`);
    else this.#connection.close();
  }
}

/** What became of the only step. */
function only([outcome]: readonly StepOutcome[]): StepResult {
  if (outcome instanceof Error) throw outcome;
  if (outcome === undefined) throw protocolError('a statement was not run');
  return outcome;
}

/** The same step, one place later. */
function afterLook({ step, conditions }: BatchStep): BatchStep {
  const shift = (condition: Condition): Condition =>
    condition.type === 'in_transaction' ? condition : { ...condition, step: condition.step + 1 };
  return { step, conditions: conditions.map(shift) };
}

/** Whether an old schema may be the reason of a failure: the server has no better code for it than that of any mistake. */
function isDoubtful(outcome: unknown): boolean {
  return outcome instanceof ServerError && !/^SQLITE_(?!ERROR|UNKNOWN)/.test(outcome.code);
}
