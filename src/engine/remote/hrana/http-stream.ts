import { protocolError } from '../../../errors.js';
import { type Calls, orAborted } from '../calls.js';
import { type HttpAnswer, TransportError } from '../transport/transport.js';
import { HttpCursor } from './http-cursor.js';
import { type HttpServer, HttpStatusError, movedTo } from './http-server.js';
import { LastRowid } from './last-rowid.js';
import {
  asObject,
  decodeBatch,
  decodeDescription,
  decodeError,
  decodeResult,
  encodeBatch,
  encodeStep,
  parseJson,
} from './message.js';
import {
  type BatchStep,
  CURRENT_VERSION,
  type EntrySource,
  type HranaStream,
  type ResultColumn,
  type Step,
  type StepOutcome,
  type StepResult,
} from './protocol.js';
import { replicationMember } from './replication.js';
import { StoredTexts } from './stored-texts.js';
import { wholeEntries } from './whole-entries.js';

/**
 * How long the answer to a request that was given up is waited for, in ms. It may be on its way, and only it tells how to end
 * the stream, whose transaction others would wait for; ending the connection stops a statement that still runs.
 */
const ANSWERED_WITHIN = 50;

/** How long the end of a stream may take, in ms; the server ends one by itself after 10 s (sqld 0.24). */
const CLOSED_WITHIN = 5_000;

/** What became of a request of a pipeline: what it gave, or the failure that the server told. */
type Outcome = { readonly response: Record<string, unknown> } | { readonly error: Error };

/**
 * A stream over HTTP. Each call is one request; the server knows by a baton, which changes with every answer, to which
 * stream it belongs.
 */
export class HttpStream implements HranaStream {
  readonly #server: HttpServer;
  readonly #calls: Calls;
  readonly #release: () => void;
  readonly #rowid = new LastRowid();
  #texts = new StoredTexts();
  #base: string;
  #baton: string | null = null;
  #state: 'open' | 'broken' | 'closed' = 'open';
  /** The request that is under way; settles however it ends. */
  #pending: Promise<void> | undefined;

  /** @param release - called once, when nothing of it is left at the server */
  constructor(server: HttpServer, calls: Calls, release: () => void) {
    this.#server = server;
    this.#calls = calls;
    this.#release = release;
    this.#base = server.url;
  }

  get version(): number {
    // The newest, as long as no answer has told otherwise.
    return this.#server.version ?? CURRENT_VERSION;
  }

  get open(): boolean {
    return this.#state === 'open';
  }

  get reusable(): boolean {
    return false;
  }

  async execute(step: Step, last = false): Promise<StepResult> {
    const { replication } = this.#server;
    const { index } = replication;
    const more = replicationMember(index);
    const outcome = await this.#one(
      () => `"type":"execute","stmt":${encodeStep(step, this.#numberOf, more)}`,
      last,
    );
    replication.note(outcome['result'], index);
    return this.#rowid.note(decodeResult(outcome['result'], step.exact));
  }

  async batch(steps: readonly BatchStep[], last = false): Promise<StepOutcome[]> {
    const { replication } = this.#server;
    const { index } = replication;
    const more = replicationMember(index);
    const encode = (): string =>
      `"type":"batch","batch":${encodeBatch(steps, this.#numberOf, this.version, more)}`;
    const outcome = await this.#one(encode, last);
    replication.note(outcome['result'], index);
    return decodeBatch(outcome['result'], steps).map((result) => this.#rowid.note(result));
  }

  async describe(sql: string, last = false): Promise<ResultColumn[]> {
    const outcome = await this.#one(() => `"type":"describe","sql":${JSON.stringify(sql)}`, last);
    return decodeDescription(outcome['result']);
  }

  async isAutocommit(): Promise<boolean> {
    const { is_autocommit } = await this.#one(() => '"type":"get_autocommit"', false);
    if (typeof is_autocommit !== 'boolean') throw protocolError('the state of the transaction is missing');
    return is_autocommit;
  }

  async openCursor(steps: readonly BatchStep[]): Promise<EntrySource> {
    if (this.version < CURRENT_VERSION) return wholeEntries(await this.batch(steps));
    try {
      return await this.#openCursor(steps);
    } catch (error) {
      if (!(await this.#isOld(error))) throw error;
      this.#state = 'open';
      return wholeEntries(await this.batch(steps));
    }
  }

  /** Whether a cursor was not found because the server has none: its version is asked for, with a request for nothing. */
  async #isOld(error: unknown): Promise<boolean> {
    if (this.#server.version !== undefined || !isNotFound(error)) return false;
    const body = (): string => '{"baton":null,"requests":[]}';
    try {
      (await this.#calls.run((signal) => this.#send('pipeline', body, signal))).cancel();
    } catch {
      // The failure of the cursor tells more.
    }
    return this.version < CURRENT_VERSION;
  }

  async #openCursor(steps: readonly BatchStep[]): Promise<EntrySource> {
    this.#rowid.forget();
    const encode = (): string => {
      const more = replicationMember(this.#server.replication.index);
      const batch = encodeBatch(steps, noNumber, this.version, more);
      return `{"baton":${JSON.stringify(this.#baton)},"batch":${batch}}`;
    };
    return await this.#guarded(async (signal) => {
      const answer = await this.#send('cursor', encode, signal);
      const cursor = new HttpCursor(answer, steps, this.#calls);
      this.#move(await cursor.head(signal));
      // It came too late for who has given it up.
      if (this.#state === 'closed') cursor.close();
      return cursor;
    });
  }

  close(): void {
    if (this.#state === 'closed') return;
    this.#state = 'closed';
    if (this.#pending === undefined) this.#finish();
    else void this.#pending.then(() => this.#finish());
  }

  readonly #numberOf = (sql: string): number | undefined => this.#texts.numberOf(sql);

  /** Gives back what the server holds for it. */
  #finish(): void {
    if (this.#baton === null) this.#release();
    else void this.#end(this.#baton);
  }

  /** Tells the server that it ends; the answer is of no interest, but until then its place is taken. */
  async #end(baton: string): Promise<void> {
    const body = `{"baton":${JSON.stringify(baton)},"requests":[{"type":"close"}]}`;
    this.#baton = null;
    try {
      const signal = AbortSignal.timeout(CLOSED_WITHIN);
      const ending = this.#server.post(this.#base, this.#path('pipeline'), body, signal);
      (await orAborted(ending, signal)).cancel();
    } catch {
      // The server ends it by itself when nobody has used it for a while.
    } finally {
      this.#release();
    }
  }

  /** Sends one request, and what must go with it. */
  async #one(encode: () => string, last: boolean): Promise<Record<string, unknown>> {
    let before = 0;
    const body = (): string => {
      const request = encode();
      const notes = this.#texts.takeNotes();
      before = notes.length;
      const all = [...notes, request, ...(last ? ['"type":"close"'] : [])];
      const requests = all.map((text) => `{${text}}`).join(',');
      return `{"baton":${JSON.stringify(this.#baton)},"requests":[${requests}]}`;
    };
    const outcome = await this.#guarded(async (signal) => {
      const answer = await this.#send('pipeline', body, signal);
      const wire = asObject(parseJson(await answer.text()), 'an answer');
      this.#move(wire);
      return outcomeOf(wire['results'], before);
    });
    if (last) this.#ended();
    if ('error' in outcome) throw this.#rowid.note(outcome.error);
    return outcome.response;
  }

  /** After a failure nobody knows the state of the stream. */
  async #guarded<T>(run: (signal: AbortSignal) => Promise<T>): Promise<T> {
    try {
      return await this.#calls.run((signal) => {
        const work = run(lingering(signal));
        this.#pending = this.#settled(work);
        return work;
      });
    } catch (error) {
      if (this.#state === 'open') this.#state = 'broken';
      throw error;
    }
  }

  async #settled(work: Promise<unknown>): Promise<void> {
    try {
      await work;
    } catch (error) {
      // A baton that was sent is used up, and the next one is not known.
      if (!(error instanceof TransportError) || error.reached) this.#baton = null;
    } finally {
      this.#pending = undefined;
    }
  }

  /** Sends a request by the newest version of the protocol that the server has. */
  async #send(what: string, body: () => string, signal: AbortSignal): Promise<HttpAnswer> {
    const { version } = this.#server;
    try {
      const answer = await this.#server.post(this.#base, this.#path(what), body(), signal);
      this.#server.version ??= CURRENT_VERSION;
      return answer;
    } catch (error) {
      // A server that has no such database says so in the same way for both.
      if (version !== undefined || !isNotFound(error) || what === 'cursor') throw error;
      this.#server.version = 2;
      // It has stored nothing.
      this.#texts = new StoredTexts();
      try {
        return await this.#server.post(this.#base, this.#path(what), body(), signal);
      } catch (again) {
        this.#server.version = undefined;
        throw again;
      }
    }
  }

  #path(what: string): string {
    return `/v${this.version}/${what}`;
  }

  /** Takes the baton of an answer, and its address. */
  #move({ baton, base_url }: Record<string, unknown>): void {
    if (typeof baton !== 'string' && baton !== null && baton !== undefined) {
      throw protocolError('the baton is no text');
    }
    this.#baton = baton ?? null;
    if (base_url !== null && base_url !== undefined) this.#base = movedTo(this.#base, base_url);
  }

  #ended(): void {
    if (this.#state === 'closed') return;
    this.#state = 'closed';
    // An answer may keep the stream although its end was asked for.
    this.#finish();
  }
}

/** A signal that is aborted a moment after another. */
function lingering(signal: AbortSignal): AbortSignal {
  const controller = new AbortController();
  const abort = (): void => {
    const timer = setTimeout(() => controller.abort(signal.reason), ANSWERED_WITHIN);
    (timer as { unref?: () => void }).unref?.();
  };
  signal.addEventListener('abort', abort, { once: true });
  return controller.signal;
}

/** The result of the request that matters; one before it, about a stored text, may have failed instead. */
function outcomeOf(results: unknown, index: number): Outcome {
  if (!Array.isArray(results)) throw protocolError('an answer has no results');
  for (let i = 0; i <= index; i++) {
    const result = asObject(results[i], 'a result');
    if (result['type'] === 'error') return { error: decodeError(result['error']) };
    if (result['type'] !== 'ok') throw protocolError('a result is of an unknown type');
    if (i === index) return { response: asObject(result['response'], 'a response') };
  }
  throw protocolError('a result is missing');
}

function isNotFound(error: unknown): boolean {
  return error instanceof HttpStatusError && error.status === 404;
}

function noNumber(): undefined {
  return undefined;
}
