import { setTimeout as sleep } from 'node:timers/promises';
import { closedError, DatabaseError, SyncError } from '../../errors.js';
import type { SyncOutcome, SyncRequest } from '../engine.js';
import { cutReplicaLog } from './cut-log.js';
import { type Follower, OwnerGone, type Wish } from './channel.js';
import {
  type FileMark,
  inodeOf,
  loadTail,
  logId,
  logSize,
  markFiles,
  names,
  removeFiles,
  saveTail,
  syncedFrame,
} from './files.js';
import { NativeSync, type NativeSyncOptions } from './native-sync.js';
import { Role } from './role.js';
import type { SharedOutcome } from './shared-outcome.js';

/** A server that is behind for a moment only is one of several, and no other history. */
const BEHIND_FOR = 1_000;
const LOOKS_BEHIND = 5;
/** From which size on a log is cut, in bytes, and how often that is tried, in ms. */
const LONG_LOG = 32 * 2 ** 20;
const CUT_EVERY = 1_000;
/** How many syncs may pass until the server is asked whether its log is still the one. */
const CHECK_EVERY = 20;

/** What a user of the file brings along. */
export interface Access {
  /** How long a server may send nothing, in ms. */
  readonly patience: number;
  /** Whether a file that is damaged is made again without a question. */
  readonly rebuilds: boolean;
  /** How the file is opened, with the token of the moment. */
  options(): Promise<NativeSyncOptions>;
  /**
   * Looks at the file before it is opened.
   *
   * @throws {@link SyncError} with code `NOT_A_REPLICA` or `REPLICA_CORRUPT`
   */
  check(): Promise<void>;
  /** Finds out whether the server is there. */
  probe(): Promise<void>;
  /** What a failure of the binding means. */
  explain(thrown: unknown): Promise<DatabaseError>;
  /** How far the log of the server is. */
  logIndex(): Promise<number | undefined>;
  /** The checksum of a frame in the log of the server. */
  checksum(frameNo: number): Promise<bigint | undefined>;
}

/**
 * The file of a replica as all handles of this thread share it. Each handle of the binding (libsql 0.5.29) keeps its
 * own position in the log, and two that sync one file destroy it, also one after the other. So one process has the
 * file's lock and one handle; the others, worker threads too, ask it for their syncs and only read.
 */
export class SharedFile {
  readonly path: string;
  readonly server: string;
  /** Grows when the file was replaced by another: who reads it must open it again. */
  generation = 0;
  /** False from the moment on when the file turned out to be another history, until it was made again. */
  serving = true;
  /** Of the database file, once it was synced. */
  inode: bigint | undefined;
  readonly #onEnd: (file: SharedFile) => void;
  readonly #users = new Set<Access>();
  /** Those of them that have found the file and the server in order. */
  readonly #checked = new WeakSet<Access>();
  #queue: Promise<unknown> = Promise.resolve();
  #native: NativeSync | undefined;
  readonly #role: Role;
  #mark: (FileMark & { readonly size: number }) | undefined;
  #frameNo: number | undefined;
  /** Of the log that the file was made from, as of the last sync that succeeded. */
  #logId: string | undefined;
  #history = 0;
  /** Whom this process asked last for a sync, and the number of the history then, which that one counts for itself. */
  #followed: Follower | undefined;
  #ownersHistory = 0;
  #unchecked = CHECK_EVERY;
  /** Of the native handle, when the log was compared last. */
  #connections = 0;
  /** Whether the file must be made again before anything else. */
  #condemned = false;
  /** When the log was found too long last. */
  #cutAt = 0;
  #ended = false;

  /**
   * @param server - its HTTP address
   * @param onEnd - called when nobody uses it any more
   * @param before - what had the file before and may not be over yet
   */
  constructor(path: string, server: string, onEnd: (file: SharedFile) => void, before?: SharedFile) {
    this.path = path;
    this.server = server;
    this.#onEnd = onEnd;
    if (before !== undefined) this.#queue = before.#queue;
    this.#role = new Role(
      path,
      (wish, afterWrite) => this.#serve(wish, afterWrite),
      () => {
        this.serving = false;
      },
    );
  }

  get used(): boolean {
    return this.#users.size > 0;
  }

  get history(): number {
    return this.#history;
  }

  join(user: Access): void {
    this.#users.add(user);
  }

  /** Ends the use of the file; after the last, the handle that syncs it is ended. */
  leave(user: Access): void {
    this.#users.delete(user);
    if (this.#users.size > 0) return;
    this.#native?.cut();
    void this.#inTurn(() => this.#end()).catch(ignore);
  }

  async sync(access: Access, request: SyncRequest): Promise<SharedOutcome> {
    return await this.#inTurn(() => this.#as(access, 'sync', request));
  }

  /** Makes the file again from the server. */
  async rebuild(access: Access): Promise<SharedOutcome> {
    return await this.#inTurn(() => this.#as(access, 'rebuild', { afterWrite: false }));
  }

  #inTurn<T>(run: () => Promise<T>): Promise<T> {
    const turn = this.#queue.then(run);
    this.#queue = turn.catch(ignore);
    return turn;
  }

  async #as(access: Access, wish: Wish, request: SyncRequest): Promise<SharedOutcome> {
    for (;;) {
      // Who has left does not sync any more.
      if (!this.#users.has(access)) throw closedError();
      if (this.#role.lost) await this.#giveUpRole();
      const owner = await this.#role.find();
      if (owner === undefined) return await this.#own(access, wish, request);
      try {
        return await this.#follow(owner, wish, request);
      } catch (error) {
        if (!(error instanceof OwnerGone)) throw error;
      }
    }
  }

  /** Does for a follower what it asks for. */
  async #serve(wish: Wish, afterWrite: boolean): Promise<SharedOutcome> {
    return await this.#inTurn(async () => {
      const [access] = this.#users;
      // The port is closed right after this, so the follower looks for another owner.
      if (access === undefined) throw new SyncError('the owner is closing', { retryable: true });
      return await this.#as(access, wish, { afterWrite });
    });
  }

  async #follow(owner: Follower, wish: Wish, { afterWrite }: SyncRequest): Promise<SharedOutcome> {
    const outcome = await owner.ask(wish, afterWrite);
    // The owner may have met the new history when it synced for somebody else.
    const replaced = this.#followed === owner ? outcome.history !== this.#ownersHistory : outcome.replaced;
    this.#followed = owner;
    this.#ownersHistory = outcome.history;
    const inode = inodeOf(this.path);
    if (this.inode !== undefined && inode !== this.inode) this.generation++;
    this.inode = inode;
    this.serving = true;
    if (replaced) this.#history++;
    return { ...outcome, frameNo: outcome.frameNo, replaced, history: this.#history };
  }

  async #own(access: Access, wish: Wish, request: SyncRequest): Promise<SharedOutcome> {
    if (this.#condemned) return await this.#rebuild(access, true);
    if (wish === 'rebuild') return await this.#rebuild(access, false);
    try {
      if (this.#filesAreGone()) return await this.#rebuild(access, false);
      return await this.#syncAndCompare(access, request);
    } catch (error) {
      if (this.#native?.diverged) return await this.#rebuild(access, true);
      const corrupt = error instanceof DatabaseError && error.code === 'REPLICA_CORRUPT';
      if (!corrupt || !access.rebuilds) throw error;
      return await this.#rebuild(access, false);
    }
  }

  /**
   * Whether files of the replica were deleted or cut while it is open.
   *
   * @throws {@link SyncError} when they were replaced by others, which are nobody's to delete
   */
  #filesAreGone(): boolean {
    const mark = this.#mark;
    if (mark === undefined || this.#native === undefined) return false;
    const now = markFiles(this.path);
    if (now !== undefined && now.database !== mark.database) {
      throw new SyncError(
        `another file has taken the place of the replica "${this.path}" while it was open; close it and put the ` +
          `replica back, or call rebuild(), which deletes ${names(this.path)} and makes it again from the server`,
        { code: 'NOT_A_REPLICA' },
      );
    }
    return (
      now === undefined || now.index !== mark.index || now.log !== mark.log || logSize(this.path) < mark.size
    );
  }

  async #syncAndCompare(access: Access, request: SyncRequest): Promise<SharedOutcome> {
    const before = this.#frameNo;
    const outcome = await this.#syncNative(access);
    if (outcome.frameNo === undefined) return { ...outcome, replaced: false, history: this.#history };
    const grew = before === undefined || outcome.frameNo !== before;
    // Frames that came were compared on their way, so the doubt is about a log from which none came.
    const connections = this.#native?.connections ?? 0;
    const doubtful = !grew && (request.afterWrite || connections !== this.#connections);
    if (doubtful || ++this.#unchecked >= CHECK_EVERY) {
      this.#unchecked = 0;
      this.#connections = connections;
      if (await this.#isOfAnother(access, outcome.frameNo)) return await this.#rebuild(access, true);
    }
    const id = logId(this.path);
    const replaced = this.#logId !== undefined && id !== this.#logId;
    this.#logId = id;
    if (replaced) this.#history++;
    return { ...outcome, replaced, history: this.#history };
  }

  /**
   * Whether the replica has frames that its server has not: that was restored from an older copy of the same log, which
   * the binding (libsql 0.5.29) does not notice.
   */
  async #isOfAnother(access: Access, frameNo: number): Promise<boolean> {
    // Both may have written since, and be as far as each other.
    const tail = this.#native?.tail ?? loadTail(this.path);
    const known = tail !== undefined && Number(tail.frameNo) === frameNo;
    const [at, checksum] = await Promise.all([
      access.logIndex(),
      known ? access.checksum(frameNo) : undefined,
    ]);
    if (checksum !== undefined) return checksum !== tail?.checksum;
    let index = at;
    for (let look = 1; index !== undefined && index < frameNo; look++) {
      if (look === LOOKS_BEHIND) return true;
      await sleep(BEHIND_FOR / LOOKS_BEHIND);
      index = await access.logIndex();
    }
    return false;
  }

  /** Deletes the file and makes it again. Until that is done, nobody reads what was there. */
  async #rebuild(access: Access, replaced: boolean): Promise<SharedOutcome> {
    if (replaced) this.#condemn();
    // What can't be made again now is left as it is.
    await access.probe();
    this.#condemn();
    await this.#endNative(true);
    removeFiles(this.path);
    this.#condemned = false;
    if (replaced) this.#history++;
    const outcome = await this.#syncNative(access);
    this.#logId = logId(this.path);
    return { ...outcome, replaced, history: this.#history };
  }

  /** From now on nobody reads the file. */
  #condemn(): void {
    if (this.#condemned) return;
    this.#condemned = true;
    this.serving = false;
    this.#role.tellReplacing();
  }

  async #syncNative(access: Access): Promise<Pick<SyncOutcome, 'frameNo' | 'framesSynced'>> {
    if (this.#native === undefined || !this.#checked.has(access)) {
      await access.check();
      // The event loop stands still while it is opened, so the server is asked first whether it answers.
      await access.probe();
      this.#checked.add(access);
    }
    const options = await access.options();
    this.#native ??= await this.#open(access, options);
    const outcome = await this.#native.sync(options.token, access.patience).catch(async (thrown: unknown) => {
      throw await this.#explain(access, thrown);
    });
    // A server that has lost its data, and has no new ones yet, says that there is nothing to do.
    if (outcome.frameNo === undefined && this.#frameNo !== undefined) {
      throw new SyncError('the database of the server is empty, though the replica has its content');
    }
    this.#frameNo = outcome.frameNo;
    const { tail } = this.#native;
    if (outcome.framesSynced > 0 && tail !== undefined) saveTail(this.path, tail);
    await this.#cutLongLog(options.encryptionKey);
    const mark = markFiles(this.path);
    this.#mark = mark && { ...mark, size: logSize(this.path) };
    const another = this.inode !== undefined && mark?.database !== this.inode;
    this.inode = mark?.database;
    if (another || !this.serving) this.generation++;
    this.serving = true;
    return outcome;
  }

  async #cutLongLog(encryptionKey: string | undefined): Promise<void> {
    const now = performance.now();
    if (now - this.#cutAt < CUT_EVERY || logSize(this.path) < LONG_LOG) return;
    this.#cutAt = now;
    await cutReplicaLog(this.path, encryptionKey);
  }

  async #open(access: Access, options: NativeSyncOptions): Promise<NativeSync> {
    // A replica that was synced before is that far.
    this.#frameNo ??= syncedFrame(this.path);
    this.#logId ??= logId(this.path);
    this.#unchecked = CHECK_EVERY;
    try {
      return await NativeSync.open(this.path, loadTail(this.path), options);
    } catch (thrown) {
      throw await this.#explain(access, thrown);
    }
  }

  async #explain(access: Access, thrown: unknown): Promise<DatabaseError> {
    if (thrown instanceof DatabaseError) return thrown;
    if (/corrupt|malformed|not a database|Rowid out of order|2nd reference/i.test(String(thrown))) {
      return damaged(this.path, thrown);
    }
    return await access.explain(thrown);
  }

  async #endNative(wholly: boolean): Promise<void> {
    const native = this.#native;
    this.#native = undefined;
    this.#mark = undefined;
    this.#frameNo = undefined;
    await native?.end(wholly);
  }

  async #giveUpRole(): Promise<void> {
    await this.#endNative(false);
    this.#role.release();
  }

  async #end(): Promise<void> {
    // Somebody may have come since.
    if (this.used || this.#ended) return;
    await this.#giveUpRole();
    if (this.used) return;
    this.#ended = true;
    this.#onEnd(this);
  }
}

/** The error for a replica that only the server can make whole again. */
export function damaged(path: string, cause: unknown): SyncError {
  return new SyncError(
    `the replica "${path}" is damaged; nothing is lost at the server: call rebuild(), open it with startup: ` +
      `"rebuild", or delete ${names(path)}`,
    { code: 'REPLICA_CORRUPT', cause },
  );
}

function ignore(): void {}
