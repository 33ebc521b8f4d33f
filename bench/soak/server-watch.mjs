// What the server itself needs while clients use it: memory, descriptors, and the streams that clients have open there.
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { Slope } from './measures.mjs';

/** How often the server is looked at, in ms. */
const EVERY = 2_000;
/** A stream that a client left open ends at sqld 0.24 by itself after 10 s; nothing may be open after this time, in ms. */
const ENDED_WITHIN = 20_000;

/** @typedef {{ rss: number, descriptors: number, streams: number, connections: number }} Sample */

export class ServerWatch {
  #server;
  #timer;
  #start = performance.now();
  /** @type {(Sample & { hours: number })[]} */
  #samples = [];

  /** @param {{ pid: number, metrics: () => Promise<string> }} server */
  constructor(server) {
    this.#server = server;
    this.#timer = setInterval(() => void this.#sample().catch(() => {}), EVERY);
  }

  /**
   * Prints what was seen, when no client is there any more.
   *
   * @returns {Promise<string | undefined>} what clients left behind
   */
  async end() {
    clearInterval(this.#timer);
    const busy = this.#samples.slice(Math.floor(this.#samples.length / 4));
    const rss = new Slope();
    for (const sample of busy) rss.add(sample.hours, sample.rss);
    const most = (/** @type {keyof Sample} */ of) =>
      Math.max(0, ...this.#samples.map((sample) => sample[of]));
    let left = await this.#sample();
    for (let waited = 0; left.streams > 1 && waited < ENDED_WITHIN; waited += EVERY) {
      await pause(EVERY);
      left = await this.#sample();
    }
    const slope = rss.perHour === undefined ? 'too short to tell' : `${rss.perHour.toFixed(0)} MB/h`;
    console.log(
      `\nserver: RSS ${most('rss').toFixed(0)} MB at most, ${slope}; ${left.rss.toFixed(0)} MB at the end`,
    );
    console.log(`server: descriptors ${most('descriptors')} at most, ${left.descriptors} at the end`);
    console.log(`server: streams ${most('streams')} at most, ${left.streams} at the end`);
    console.log(
      `server: connections to the file ${most('connections')} at most, ${left.connections} at the end`,
    );
    // The client that looks into the table may have one.
    return left.streams > 1 ? `${left.streams} streams are left at the server` : undefined;
  }

  /** @returns {Promise<Sample>} */
  async #sample() {
    const { pid } = this.#server;
    const metrics = await this.#server.metrics();
    const gauge = (/** @type {string} */ name) =>
      Number(new RegExp(`^${name} (\\S+)`, 'm').exec(metrics)?.[1] ?? 0);
    const sample = {
      rss: Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1e3,
      descriptors: readdirSync(`/proc/${pid}/fd`).length,
      streams: gauge('libsql_server_stream_handles'),
      connections: gauge('libsql_server_concurrent_connections'),
    };
    this.#samples.push({ ...sample, hours: (performance.now() - this.#start) / 3_600_000 });
    return sample;
  }
}
