import { hostname } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { SyncError } from '../../errors.js';
import { Follower, OwnerPort, type Serve } from './channel.js';
import { ownerPath } from './files.js';
import { type OwnerInfo, OwnerLock } from './owner-lock.js';

/** How long the process that has the lock may take to answer, in ms. */
const OWNER_ANSWERS_WITHIN = 5_000;
const TRY_OWNER_AGAIN = 50;

/** Whether this process syncs a file, or follows another that does. */
export class Role {
  readonly #path: string;
  readonly #serve: Serve;
  readonly #onReplacing: () => void;
  #lock: OwnerLock | undefined;
  #port: OwnerPort | undefined;
  #follower: Follower | undefined;

  /**
   * @param serve - does what followers ask for
   * @param onReplacing - called when the owner replaces the file
   */
  constructor(path: string, serve: Serve, onReplacing: () => void) {
    this.#path = path;
    this.#serve = serve;
    this.#onReplacing = onReplacing;
  }

  /** Whether this process had the lock, and the file of the lock is gone. */
  get lost(): boolean {
    return this.#lock !== undefined && !this.#lock.holds;
  }

  /** The way to the owner; undefined for the owner itself. */
  async find(): Promise<Follower | undefined> {
    if (this.#lock !== undefined) return undefined;
    if (this.#follower?.ended) this.#follower = undefined;
    this.#follower ??= await this.#takeOrFollow();
    return this.#follower;
  }

  /** Tells every follower that the file is being replaced. */
  tellReplacing(): void {
    this.#port?.tellReplacing();
  }

  release(): void {
    this.#port?.close();
    this.#port = undefined;
    this.#lock?.release();
    this.#lock = undefined;
    this.#follower?.close();
    this.#follower = undefined;
  }

  /** Takes the lock, or finds who has it. */
  async #takeOrFollow(): Promise<Follower | undefined> {
    const port = await OwnerPort.open(this.#serve);
    const info = { pid: process.pid, host: hostname(), port: port.port, secret: port.secret };
    const path = ownerPath(this.#path);
    const start = performance.now();
    try {
      for (;;) {
        this.#lock = takeLock(path, info);
        if (this.#lock !== undefined) return undefined;
        const owner = OwnerLock.read(path);
        const follower = owner && (await Follower.connect(owner, this.#onReplacing));
        if (follower !== undefined) return follower;
        if (performance.now() - start > OWNER_ANSWERS_WITHIN) throw inUse(this.#path, owner);
        await sleep(TRY_OWNER_AGAIN);
      }
    } finally {
      if (this.#lock === undefined) port.close();
      else this.#port = port;
    }
  }
}

function takeLock(path: string, info: OwnerInfo): OwnerLock | undefined {
  try {
    return OwnerLock.take(path, info);
  } catch (cause) {
    throw new SyncError(`the replica can not be synced without "${path}", which can not be written`, {
      retryable: true,
      cause,
    });
  }
}

function inUse(path: string, owner: { readonly pid: number; readonly host: string } | undefined): SyncError {
  const who = owner === undefined ? 'another process' : `process ${owner.pid} on ${owner.host}`;
  return new SyncError(`the replica "${path}" is synced by ${who}, which does not answer`, {
    code: 'REPLICA_IN_USE',
    retryable: true,
  });
}
