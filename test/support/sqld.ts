import type { ChildProcess } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, onTestFinished } from 'vitest';
import { spawnTied } from '../../scripts/spawn-tied.mjs';

/** How a libSQL server is started. */
export interface SqldOptions {
  /** PEM of the ed25519 key that tokens must be signed with; without it everybody may come in. */
  readonly publicKey?: string;
  /** Makes it a read replica of another server. */
  readonly primary?: Sqld;
  /** Further command line arguments. */
  readonly args?: readonly string[];
}

/** A libSQL server of its own, with a data folder of its own. */
export interface Sqld {
  /** `http://127.0.0.1:…` */
  readonly url: string;
  /** `ws://127.0.0.1:…` */
  readonly wsUrl: string;
  readonly port: number;
  readonly grpcPort: number;
  /** Ends the process; the data stays. */
  stop(signal?: NodeJS.Signals): Promise<void>;
  /** Starts it again on the same ports. */
  start(): Promise<void>;
  /** Removes its data; only while it is stopped. */
  wipe(): void;
  /** Keeps a copy of its data, in the place of the one before; only while it is stopped. */
  backUp(): void;
  /** Puts the copy in the place of its data; only while it is stopped. */
  restore(): void;
}

/**
 * Starts a libSQL server, stopped and removed when the test ends, or when `atEnd` says. It ends with this process at the
 * latest.
 */
export async function startSqld(
  options: SqldOptions = {},
  atEnd: (stop: () => Promise<void>) => void = onTestFinished,
): Promise<Sqld> {
  for (let attempt = 1; ; attempt++) {
    const server = new SqldProcess(options, await freePort(), await freePort());
    try {
      await server.start();
      atEnd(() => server.remove());
      return server;
    } catch (error) {
      await server.remove();
      // Somebody else has taken the port since it was found free.
      if (attempt === 5 || !String(error).includes('Address already in use')) throw error;
    }
  }
}

/** A libSQL server for all tests of a file or of a `describe`. */
export function sqldForAll(options: SqldOptions = {}): () => Sqld {
  let sqld: Sqld | undefined;
  const ends: (() => Promise<void>)[] = [];
  beforeAll(async () => {
    sqld = await startSqld(options, (end) => ends.push(end));
  });
  afterAll(async () => {
    for (const end of ends) await end();
  });
  return () => sqld as Sqld;
}

/** A port that nobody listens on at this moment. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}

const HEALTHY_WITHIN = 20_000;

/** How long a server may take to end when it is asked to, in ms. */
const ENDS_WITHIN = 5_000;

class SqldProcess implements Sqld {
  readonly port: number;
  readonly grpcPort: number;
  readonly #folder = mkdtempSync(path.join(tmpdir(), 'turso-dialect-sqld-'));
  readonly #options: SqldOptions;
  #child: ChildProcess | undefined;
  #printed = '';

  constructor(options: SqldOptions, port: number, grpcPort: number) {
    this.#options = options;
    this.port = port;
    this.grpcPort = grpcPort;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  get wsUrl(): string {
    return `ws://127.0.0.1:${this.port}`;
  }

  async start(): Promise<void> {
    const { publicKey, primary, args = [] } = this.#options;
    const all = ['--no-welcome', '--db-path', path.join(this.#folder, 'data')];
    all.push('--http-listen-addr', `127.0.0.1:${this.port}`);
    if (primary === undefined) all.push('--grpc-listen-addr', `127.0.0.1:${this.grpcPort}`);
    else all.push('--primary-grpc-url', `http://127.0.0.1:${primary.grpcPort}`);
    if (publicKey !== undefined) {
      const file = path.join(this.#folder, 'key.pem');
      writeFileSync(file, publicKey);
      all.push('--auth-jwt-key-file', file);
    }
    const child = spawnTied(binary(), [...all, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
    this.#child = child;
    const note = (chunk: Buffer): void => {
      this.#printed = (this.#printed + chunk.toString()).slice(-4_000);
    };
    child.stdout?.on('data', note);
    child.stderr?.on('data', note);
    await this.#healthy(child);
  }

  async stop(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const closed = new Promise((resolve) => child.once('close', resolve));
    child.kill(signal);
    // Now and then sqld 0.24 does not end by SIGTERM, with nothing left to do.
    const kill = setTimeout(() => child.kill('SIGKILL'), ENDS_WITHIN);
    await closed;
    clearTimeout(kill);
  }

  wipe(): void {
    rmSync(path.join(this.#folder, 'data'), { recursive: true, force: true });
  }

  backUp(): void {
    rmSync(path.join(this.#folder, 'backup'), { recursive: true, force: true });
    cpSync(path.join(this.#folder, 'data'), path.join(this.#folder, 'backup'), { recursive: true });
  }

  restore(): void {
    this.wipe();
    cpSync(path.join(this.#folder, 'backup'), path.join(this.#folder, 'data'), { recursive: true });
  }

  async remove(): Promise<void> {
    await this.stop();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  async #healthy(child: ChildProcess): Promise<void> {
    const end = Date.now() + HEALTHY_WITHIN;
    while (Date.now() < end) {
      if (child.exitCode !== null) throw new Error(`sqld ended with ${child.exitCode}:\n${this.#printed}`);
      const response = await fetch(`${this.url}/health`).catch(() => undefined);
      if (response?.ok) return;
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    throw new Error(`sqld does not answer:\n${this.#printed}`);
  }
}

function binary(): string {
  const require = createRequire(createRequire(import.meta.url).resolve('sqld/package.json'));
  const name = `@sqld/${process.platform}-${process.arch}`;
  return path.join(path.dirname(require.resolve(`${name}/package.json`)), 'sqld');
}
