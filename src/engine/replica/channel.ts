import { randomBytes } from 'node:crypto';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { AuthError, DatabaseError, type ErrorCode, SyncError } from '../../errors.js';
import type { SharedOutcome } from './shared-outcome.js';

/** What a follower asks its owner for: a sync, or to make the file again from the server. */
export type Wish = 'sync' | 'rebuild';

/** What the owner tells all followers: the file is not to be read until the next sync. */
const REPLACING = 'replacing';

/** Does what a follower asks for; `afterWrite` as in a {@link SyncRequest}. */
export type Serve = (wish: Wish, afterWrite: boolean) => Promise<SharedOutcome>;

interface Answer {
  readonly id: number;
  readonly outcome?: SharedOutcome;
  readonly error?: {
    readonly message: string;
    readonly code: ErrorCode;
    readonly kind: string;
    readonly retryable: boolean;
  };
}

/** The side of the owner: a port of this machine on which those ask that read the same file. */
export class OwnerPort {
  readonly secret = randomBytes(24).toString('base64url');
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  private constructor(serve: Serve) {
    this.#server = createServer((socket) => this.#accept(socket, serve));
    this.#server.unref();
  }

  /** @param serve - does what a follower asks for */
  static async open(serve: Serve): Promise<OwnerPort> {
    const opened = new OwnerPort(serve);
    await new Promise<void>((resolve, reject) => {
      opened.#server.once('error', reject);
      opened.#server.listen(0, '127.0.0.1', resolve);
    });
    return opened;
  }

  get port(): number {
    const address = this.#server.address();
    return address !== null && typeof address === 'object' ? address.port : 0;
  }

  /** Tells every follower that the file is being replaced. */
  tellReplacing(): void {
    for (const socket of this.#sockets) socket.write(`"${REPLACING}"\n`);
  }

  close(): void {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
  }

  #accept(socket: Socket, serve: Serve): void {
    socket.unref();
    socket.on('error', () => {});
    let known = false;
    onLines(socket, (line) => {
      if (!known) {
        known = line === this.secret;
        if (known) this.#sockets.add(socket);
        else socket.destroy();
        return;
      }
      const { id, wish, afterWrite } = JSON.parse(line) as { id: number; wish: Wish; afterWrite: boolean };
      serve(wish, afterWrite).then(
        (outcome) => send(socket, { id, outcome }),
        (error: unknown) => send(socket, { id, error: describe(error) }),
      );
    });
    socket.on('close', () => this.#sockets.delete(socket));
  }
}

/** The side of a follower. */
export class Follower {
  readonly #socket: Socket;
  readonly #waiting = new Map<
    number,
    { resolve(outcome: SharedOutcome): void; reject(error: Error): void }
  >();
  #lastId = 0;
  #ended = false;

  private constructor(socket: Socket, secret: string, onReplacing: () => void) {
    this.#socket = socket;
    socket.setNoDelay(true);
    socket.unref();
    socket.write(`${secret}\n`);
    socket.on('error', () => {});
    onLines(socket, (line) => {
      const answer = JSON.parse(line) as Answer | typeof REPLACING;
      if (answer === REPLACING) return onReplacing();
      const waiting = this.#waiting.get(answer.id);
      this.#settled(answer.id);
      if (answer.outcome === undefined) waiting?.reject(revive(answer.error));
      else waiting?.resolve(answer.outcome);
    });
    socket.on('close', () => {
      this.#ended = true;
      for (const [id, { reject }] of this.#waiting) {
        this.#settled(id);
        reject(new OwnerGone());
      }
    });
  }

  /**
   * Goes to the owner of a replica.
   *
   * @returns undefined when it is not there
   */
  static async connect(
    { port, secret }: { readonly port: number; readonly secret: string },
    onReplacing: () => void,
  ): Promise<Follower | undefined> {
    const socket = connect(port, '127.0.0.1');
    return await new Promise((resolve) => {
      socket.once('error', () => resolve(undefined));
      socket.once('connect', () => resolve(new Follower(socket, secret, onReplacing)));
    });
  }

  get ended(): boolean {
    return this.#ended;
  }

  /** @throws {@link OwnerGone} when the owner has ended or does not sync any more */
  async ask(wish: Wish, afterWrite: boolean): Promise<SharedOutcome> {
    if (this.#ended) throw new OwnerGone();
    const id = ++this.#lastId;
    this.#socket.ref();
    return await new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.#socket.write(`${JSON.stringify({ id, wish, afterWrite })}\n`);
    });
  }

  close(): void {
    this.#socket.destroy();
  }

  #settled(id: number): void {
    this.#waiting.delete(id);
    // It keeps the process alive only while somebody waits for it.
    if (this.#waiting.size === 0) this.#socket.unref();
  }
}

/** The owner does not sync the file any more, so another can. */
export class OwnerGone extends Error {}

function send(socket: Socket, answer: Answer): void {
  if (socket.writable) socket.write(`${JSON.stringify(answer)}\n`);
}

/** An error of this package, also of another copy of it in this process. */
export function ownError(error: unknown): DatabaseError {
  return error instanceof DatabaseError ? error : revive(describe(error), error);
}

function describe(error: unknown): NonNullable<Answer['error']> {
  const { message = String(error), code, kind, retryable = true } = error as Partial<DatabaseError>;
  if (code === undefined || kind === undefined)
    return { message, code: 'SYNC_FAILED', kind: 'sync', retryable };
  return { message, code, kind, retryable };
}

function revive(error: Answer['error'], cause?: unknown): DatabaseError {
  const { message = 'the sync failed', code, kind, retryable = true } = error ?? {};
  if (kind === 'auth') return new AuthError(message, { retryable, cause });
  return new SyncError(message, {
    code: kind === 'sync' ? (code ?? 'SYNC_FAILED') : 'SYNC_FAILED',
    retryable,
    cause,
  });
}

function onLines(socket: Socket, take: (line: string) => void): void {
  let rest = '';
  socket.setEncoding('utf8');
  socket.on('data', (text: string) => {
    const lines = (rest + text).split('\n');
    rest = lines.pop() ?? '';
    try {
      for (const line of lines) take(line);
    } catch {
      // Somebody else has the port by now.
      socket.destroy();
    }
  });
}
