import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type Client, createClient } from '@libsql/client/web';
import { type Database, DatabaseError, open } from '../../src/index.js';
import { type Child, startProgram } from './child.js';
import { startThreadProxy, type ThreadProxy } from './proxy.js';
import { randomFrom } from './random.js';
import type { PartyReport } from './replica-party.js';
import { type Sqld, startSqld } from './sqld.js';

const TABLE = 'create table if not exists items (id integer primary key, name text not null)';
const STEPS = 24;
/** Of what may happen while servers and connections come and go. */
const EXPECTED: ReadonlySet<DatabaseError['kind']> = new Set([
  'network',
  'sync',
  'interrupted',
  'busy',
  'transaction',
]);

/** One handle, and the most rows that it has shown of the history of the moment. */
interface Handle {
  readonly database: Database;
  readonly file: string;
  most: number;
  epoch: number;
}

/**
 * Replicas, shared and own, whose server is killed, restored, wiped and slow: own writes are seen, reads never go back,
 * a sync shows what the server has, no file is damaged, and all are equal at the end. A sequence is known by its seed.
 */
export class ReplicaModel {
  readonly log: string[] = [];
  readonly #random: () => number;
  readonly #folder = mkdtempSync(path.join(tmpdir(), 'turso-dialect-model-'));
  readonly #ends: (() => Promise<void>)[] = [];
  readonly #handles: Handle[] = [];
  #sqld!: Sqld;
  #proxy!: ThreadProxy;
  #outside!: Client;
  #child: Child | undefined;
  #backedUp = false;
  /** Grows with every history that takes the place of another. */
  #epoch = 0;
  #names = 0;

  constructor(seed: number) {
    this.#random = randomFrom(seed * 48_271 + 11);
  }

  /** @throws what was wrong, with the steps before it */
  async run(): Promise<void> {
    try {
      this.#sqld = await startSqld({}, (stop) => this.#ends.push(stop));
      this.#proxy = await startThreadProxy(this.#sqld.port, (stop) => this.#ends.push(stop));
      this.#outside = createClient({ url: this.#sqld.url });
      await this.#outside.execute(TABLE);
      await this.#open();
      for (let step = 0; step < STEPS; step++) await this.#step();
      await this.#end();
    } catch (error) {
      throw new Error(`${String(error)}\n${this.log.join('\n')}`, { cause: error });
    } finally {
      await Promise.all(this.#handles.map(({ database }) => database.close()));
      this.#child?.kill('SIGKILL');
      this.#outside.close();
      for (const end of this.#ends.toReversed()) await end();
      rmSync(this.#folder, { recursive: true, force: true });
    }
  }

  async #step(): Promise<void> {
    const kinds: readonly (readonly [number, string, () => Promise<unknown>])[] = [
      [25, 'write', () => this.#write()],
      [10, 'read', () => this.#read(this.#any())],
      [15, 'sync', () => this.#sync(this.#any())],
      [12, 'add', () => this.#add()],
      [8, 'open', () => this.#open()],
      [6, 'close', () => this.#close()],
      [4, 'kill server', () => this.#restart('SIGKILL')],
      [4, 'stop server', () => this.#restart('SIGTERM')],
      [4, 'back up', () => this.#backUp()],
      [6, 'restore', () => this.#restore()],
      [2, 'wipe', () => this.#wipe()],
      [5, 'slow', () => this.#proxy.rate(100_000)],
      [6, 'heal', () => this.#proxy.heal()],
      [4, 'cut', () => this.#proxy.cut()],
      [2, 'process', () => this.#startChild()],
    ];
    let left = this.#random() * kinds.reduce((sum, [weight]) => sum + weight, 0);
    for (const [weight, name, run] of kinds) {
      left -= weight;
      if (left > 0) continue;
      this.log.push(name);
      await this.#mayFail(run);
      return;
    }
  }

  /** What fails as it may; a damaged file or a wrong result is no such failure. */
  async #mayFail(run: () => Promise<unknown>): Promise<void> {
    try {
      await run();
    } catch (error) {
      const expected =
        error instanceof DatabaseError && EXPECTED.has(error.kind) && error.code !== 'REPLICA_CORRUPT';
      if (!expected) throw error;
      this.log.push(`  failed: ${error.message}`);
    }
  }

  #any(): Handle {
    const handle = this.#handles[Math.floor(this.#random() * this.#handles.length)];
    if (handle === undefined) throw new Error('there is no handle');
    return handle;
  }

  async #open(): Promise<void> {
    if (this.#handles.length >= 3) return;
    const file = path.join(this.#folder, this.#random() < 0.6 ? 'shared.db' : 'own.db');
    const database = open({
      ...{ url: file, syncUrl: this.#proxy.url, afterWriteTimeout: 20_000, networkRetry: 4 },
      ...(this.#random() < 0.3 ? { syncInterval: 0.1 } : {}),
    });
    const handle = { database, file, most: 0, epoch: this.#epoch };
    this.log.push(`  ${path.basename(file)}`);
    this.#handles.push(handle);
    await database.ready();
  }

  async #close(): Promise<void> {
    if (this.#handles.length < 2) return;
    const [handle] = this.#handles.splice(Math.floor(this.#random() * this.#handles.length), 1);
    // Now and then in the midst of a sync.
    if (this.#random() < 0.5) void handle?.database.sync().catch(() => {});
    await handle?.database.close();
  }

  async #write(): Promise<void> {
    const handle = this.#any();
    const name = `own ${++this.#names} ${'x'.repeat(Math.floor(this.#random() * 900))}`;
    await handle.database.execute('insert into items (name) values (?)', [name]);
    const { unseenWrites } = handle.database.syncStatus();
    const { rows } = await handle.database.execute('select 1 from items where name = ?', [name]);
    if (unseenWrites === 0 && rows.length !== 1) throw new Error(`own write ${this.#names} is not seen`);
    await this.#read(handle);
  }

  async #read(handle: Handle): Promise<void> {
    const { rows } = await handle.database.execute('select count(*) as n from items');
    const count = Number(rows[0]?.['n']);
    if (handle.epoch === this.#epoch && count < handle.most)
      throw new Error(`${count} rows after ${handle.most}`);
    handle.most = count;
    // Only what was read after the new history had come is of it.
    if (handle.epoch !== this.#epoch) handle.most = 0;
  }

  async #sync(handle: Handle): Promise<void> {
    await handle.database.sync();
    if (handle.epoch !== this.#epoch) handle.most = 0;
    handle.epoch = this.#epoch;
    if (this.#child === undefined) await this.#compare(handle);
  }

  async #compare({ database, file }: Handle): Promise<void> {
    const all = 'select id, name from items order by id';
    const expected = (await this.#outside.execute(all)).rows.map((row) =>
      JSON.stringify([row['id'], row['name']]),
    );
    const seen = (await database.execute(all)).rows.map((row) => JSON.stringify([row['id'], row['name']]));
    if (expected.join('\n') !== seen.join('\n')) {
      throw new Error(
        `${path.basename(file)} has ${seen.length} rows that are not the ${expected.length} of the server`,
      );
    }
  }

  async #add(): Promise<void> {
    const count = 1 + Math.floor(this.#random() * 20);
    await this.#outside.batch(
      Array.from({ length: count }, () => ({
        sql: 'insert into items (name) values (?)',
        args: [`other ${++this.#names} ${'y'.repeat(900)}`],
      })),
    );
  }

  async #restart(signal: NodeJS.Signals): Promise<void> {
    await this.#sqld.stop(signal);
    await this.#sqld.start();
  }

  async #backUp(): Promise<void> {
    await this.#sqld.stop('SIGTERM');
    this.#sqld.backUp();
    this.#backedUp = true;
    await this.#sqld.start();
  }

  async #restore(): Promise<void> {
    if (!this.#backedUp || this.#child !== undefined) return;
    await this.#sqld.stop('SIGTERM');
    this.#sqld.restore();
    await this.#sqld.start();
    this.#epoch++;
  }

  async #wipe(): Promise<void> {
    if (this.#child !== undefined) return;
    await this.#sqld.stop();
    this.#sqld.wipe();
    await this.#sqld.start();
    await this.#outside.execute(TABLE);
    this.#epoch++;
  }

  async #startChild(): Promise<void> {
    if (this.#child !== undefined) return;
    const file = path.join(this.#folder, 'shared.db');
    const config = JSON.stringify({ afterWriteTimeout: 20_000 });
    this.#child = await startProgram('replica-party.ts', this.#sqld.url, file, 'child', '500', '20', config);
    // Another address would be another server.
  }

  async #end(): Promise<void> {
    this.log.push('end');
    await this.#proxy.heal();
    if (this.#child !== undefined) {
      const { wrong } = (await this.#child.message()) as PartyReport;
      const damage = wrong.filter((text) => /corrupt|malformed|integrity|not seen|rows after/i.test(text));
      if (damage.length > 0) throw new Error(`in the other process: ${damage.join('; ')}`);
      await this.#child.ended;
      this.#child = undefined;
    }
    for (const handle of this.#handles) {
      for (let tries = 0; ; tries++) {
        try {
          await handle.database.sync();
          break;
        } catch (error) {
          if (tries === 5) throw error;
        }
      }
      await this.#compare(handle);
      const { rows } = await handle.database.execute('pragma integrity_check');
      if (rows[0]?.['integrity_check'] !== 'ok') throw new Error(`integrity: ${JSON.stringify(rows)}`);
    }
  }
}
