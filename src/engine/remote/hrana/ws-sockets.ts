import { AuthError } from '../../../errors.js';
import type { Calls } from '../calls.js';
import type { Place, Places } from '../places.js';
import type { TokenSource } from '../token.js';
import type { Replication } from './replication.js';
import { WsConnection } from './ws-connection.js';
import { WsStream } from './ws-stream.js';

/** How many streams are kept for another use, and for how long at most, in ms. */
const KEPT = 4;
const KEPT_FOR = 1_000;

/** How long the statements of a socket whose token was replaced may still take, in ms. */
const RETIRED_FOR = 30_000;

/** What {@link WsSockets} is made of. */
export interface WsSocketsParts {
  readonly url: string;
  readonly token: TokenSource;
  readonly calls: Calls;
  readonly places: Places;
  readonly replication: Replication;
}

/**
 * The WebSocket of one connection, which is replaced after it broke, was stopped or got a new token. Nothing but closing
 * it stops a statement.
 */
export class WsSockets {
  readonly #parts: WsSocketsParts;
  /** Streams that wait for another use; the server has made their connections already. */
  readonly #kept: WsStream[] = [];
  readonly #all = new Set<WsConnection>();
  #opening: Promise<WsConnection> | undefined;
  #current: WsConnection | undefined;
  #refused: string | undefined;
  /** When a stream was kept last. */
  #keptAt = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(parts: WsSocketsParts) {
    this.#parts = parts;
  }

  /** A stream for a transaction. */
  async stream(): Promise<WsStream> {
    return (await this.#takeKept()) ?? (await this.#open(this.#parts.places.take()));
  }

  /** A stream for one statement. @param fresh - one on which nothing ran before */
  async single(fresh: boolean): Promise<WsStream> {
    const { places, calls } = this.#parts;
    let stream = fresh ? undefined : await this.#takeKept();
    while (stream === undefined) {
      const place = places.takeSingle();
      if (place === undefined) await calls.run((signal) => places.wait(signal));
      if (place !== undefined) stream = await this.#open(place);
      else if (!fresh) stream = await this.#takeKept();
    }
    stream.place.setSingle(true);
    return stream;
  }

  /** The token of this socket is of no more use. */
  refused(): void {
    this.#refused = this.#current?.bearer;
  }

  /** Ends all sockets at once. */
  close(): void {
    this.#opening = undefined;
    this.#current = undefined;
    for (const connection of this.#all) connection.close();
    this.#all.clear();
    this.#drop(0);
  }

  /** Ends a stream that is kept, to make room for another. */
  readonly dropOne = (): boolean => {
    const [longest] = this.#kept;
    this.#drop(this.#kept.length - 1);
    return longest !== undefined;
  };

  async #open(place: Place): Promise<WsStream> {
    try {
      return new WsStream(await this.#connection(), this.#parts.replication, place, this.#keep);
    } catch (error) {
      place.release();
      throw error;
    }
  }

  async #takeKept(): Promise<WsStream | undefined> {
    if (this.#kept.length === 0) return undefined;
    // Another token may have taken the place of the one that their socket has.
    if (this.#parts.token.renewable) await this.#connection();
    for (;;) {
      const stream = this.#kept.pop();
      if (stream === undefined || stream.open) return stream;
      stream.close();
    }
  }

  async #connection(): Promise<WsConnection> {
    const bearer = await this.#bearer();
    const current = this.#current;
    if (current?.open && current.bearer === bearer) return current;
    if (current?.open) {
      current.retire(RETIRED_FOR);
      this.#current = undefined;
      this.#drop(0);
    }
    if (this.#opening === undefined) {
      const opening = this.#connect(bearer).finally(() => {
        if (this.#opening === opening) this.#opening = undefined;
      });
      this.#opening = opening;
    }
    return await this.#opening;
  }

  /** A refused token has done nothing, so another one is tried where there is one. */
  async #connect(bearer: string | undefined): Promise<WsConnection> {
    try {
      return await this.#connectWith(bearer);
    } catch (error) {
      if (!(error instanceof AuthError) || !this.#parts.token.renewable) throw error;
      this.#refused = bearer;
      const other = await this.#bearer();
      if (other === bearer) throw error;
      return await this.#connectWith(other);
    }
  }

  async #connectWith(bearer: string | undefined): Promise<WsConnection> {
    const { url, calls, token } = this.#parts;
    const ended = (connection: WsConnection): void => void this.#all.delete(connection);
    const connection = await calls.run(async (signal) => {
      const opened = await WsConnection.open(url, bearer, signal, ended);
      this.#all.add(opened);
      // Nobody waits for it any more.
      if (signal.aborted) opened.close();
      return opened;
    });
    // What could be tried with another token must not be sent before this one was taken.
    if (token.renewable) await calls.race(connection.welcomed);
    this.#current = connection;
    return connection;
  }

  async #bearer(): Promise<string | undefined> {
    const { token, calls } = this.#parts;
    return token.renewable ? await calls.race(token.get(this.#refused)) : token.fixed;
  }

  readonly #keep = (stream: WsStream): void => {
    const { places } = this.#parts;
    stream.place.setSingle(false);
    this.#kept.push(stream);
    if (places.contested) places.wake();
    else this.#drop(KEPT);
    this.#keptAt = performance.now();
    if (this.#timer === undefined) this.#watch(KEPT_FOR);
  };

  /** Ends the streams that are kept once none was used for long. To set the timer for each statement would cost more. */
  #watch(ms: number): void {
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      const left = this.#keptAt + KEPT_FOR - performance.now();
      if (left <= 0) this.#drop(0);
      else this.#watch(left);
    }, ms);
    (this.#timer as { unref?: () => void }).unref?.();
  }

  /** Ends the streams that were kept longest, until `left` remain. */
  #drop(left: number): void {
    while (this.#kept.length > Math.max(0, left)) this.#kept.shift()?.close();
    if (this.#kept.length > 0) return;
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}
