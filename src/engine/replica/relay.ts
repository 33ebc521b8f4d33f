import { randomBytes } from 'node:crypto';
import { Worker } from 'node:worker_threads';
import {
  checkAnswers,
  COMMITTED,
  CONNECTIONS,
  DIVERGED,
  type LogTail,
  PASSED,
  PLACES,
  readTail,
  RECEIVED,
  writeTail,
} from './history-check.js';
import { type RelayAnswer, type RelayRequest, relayProgram } from './relay-program.js';

/**
 * A way to the server that the binding's syncs take, through a thread of this process. A sync of the binding (libsql
 * 0.5.29) can't be stopped, has no end on a connection that has died, does not tell how far it is, and keeps the token
 * that it was opened with. Here its connections can be ended, its bytes are counted, and each request gets the token of
 * the moment.
 */
export interface Relay {
  /** The address to sync with. */
  readonly url: string;
  /** What to sync with as the token: nobody else of this machine can use the way. */
  readonly secret: string;
  /** How many bytes came from the server; it begins again after 4 GiB. */
  readonly received: number;
  /** How many connections to the server were made; a server that was started again needs another. */
  readonly connections: number;
  /** Whether the server has sent frames that do not follow those of the replica; nothing is passed on any more. */
  readonly diverged: boolean;
  /** The last frame that was passed on. */
  readonly passed: LogTail | undefined;
  /** The last frame that the replica has. */
  setTail(tail: LogTail | undefined): void;
  /** The token of the requests from now on. */
  setToken(token: string | undefined): void;
  /** Ends every connection and refuses others until {@link mend}. */
  cut(): void;
  mend(): void;
  close(): void;
}

/** How long the server may take for the request with which the binding opens a replica, in ms. */
const OPEN_WITHIN = 5_000;

let worker: Worker | undefined;
let lastId = 0;
const waiting = new Map<number, { resolve(port: number): void; reject(error: unknown): void }>();

/**
 * Opens a way to a server.
 *
 * @param server - its HTTP address
 */
export async function openRelay(server: string): Promise<Relay> {
  const { protocol, hostname, port: given, host, pathname } = new URL(server);
  const tls = protocol === 'https:';
  const id = ++lastId;
  const secret = randomBytes(24).toString('base64url');
  const shared = new SharedArrayBuffer(4 * PLACES);
  const places = new Int32Array(shared);
  const opened = new Promise<number>((resolve, reject) => {
    waiting.set(id, { resolve, reject });
  });
  const namespace = namespaceOf(hostname);
  post({
    ...{ type: 'open', id, tls, secret, shared, namespace, authority: host, openWithin: OPEN_WITHIN },
    host: hostname.replace(/^\[|\]$/g, ''),
    port: given === '' ? (tls ? 443 : 80) : Number(given),
  });
  worker?.ref();
  const port = await opened;
  return {
    url: `http://127.0.0.1:${port}${pathname === '/' ? '' : pathname}`,
    secret,
    get received() {
      return Atomics.load(places, RECEIVED);
    },
    get connections() {
      return Atomics.load(places, CONNECTIONS);
    },
    get diverged() {
      return Atomics.load(places, DIVERGED) !== 0;
    },
    get passed() {
      return readTail(places, PASSED);
    },
    setTail: (tail) => writeTail(places, COMMITTED, tail),
    setToken: (token) => post({ type: 'token', id, token }),
    cut: () => post({ type: 'cut', id }),
    mend: () => post({ type: 'mend', id }),
    close: () => post({ type: 'close', id }),
  };
}

/** The binding (libsql 0.5.29) names the database of a server by the first label of its host; this is the header's text. */
export function namespaceOf(hostname: string): string {
  const dot = hostname.indexOf('.');
  const name = dot < 0 ? 'default' : hostname.slice(0, dot);
  return Buffer.from(name).toString('base64').replace(/=+$/, '');
}

function post(request: RelayRequest): void {
  worker ??= startWorker();
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread has none
  worker.postMessage(request);
}

function startWorker(): Worker {
  // Run from its text, so that a bundler has no second file to find; some name functions by a helper of their own.
  const started = new Worker(
    `const __name = (named) => named; (${relayProgram.toString()})(${checkAnswers.toString()});`,
    {
      eval: true,
      execArgv: [],
      name: 'turso-dialect-relay',
    },
  );
  started.unref();
  started.on('message', ({ id, port }: RelayAnswer) => {
    waiting.get(id)?.resolve(port);
    settle(id);
  });
  started.on('error', (error) => {
    if (worker === started) worker = undefined;
    for (const [id, { reject }] of waiting) {
      reject(error);
      settle(id);
    }
  });
  return started;
}

/** The thread keeps the process alive only while somebody waits for it. */
function settle(id: number): void {
  waiting.delete(id);
  if (waiting.size === 0) worker?.unref();
}
