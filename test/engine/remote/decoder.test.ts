import { isUtf8 } from 'node:buffer';
import { isDeepStrictEqual } from 'node:util';
import { describe, expect, it } from 'vitest';
import { DatabaseError } from '../../../src/index.js';
import { Calls } from '../../../src/engine/remote/calls.js';
import { toRemoteError } from '../../../src/engine/remote/failure.js';
import { HttpCursor } from '../../../src/engine/remote/hrana/http-cursor.js';
import { HttpServer, HttpStatusError } from '../../../src/engine/remote/hrana/http-server.js';
import { HttpStream } from '../../../src/engine/remote/hrana/http-stream.js';
import {
  decodeBatch,
  decodeDescription,
  decodeResult,
  EntryDecoder,
  parseJson,
} from '../../../src/engine/remote/hrana/message.js';
import {
  type BatchStep,
  type CursorEntry,
  type ResultColumn,
  ServerError,
  type Step,
  type StepOutcome,
  type StepResult,
} from '../../../src/engine/remote/hrana/protocol.js';
import { TokenSource } from '../../../src/engine/remote/token.js';
import { nodeTransport } from '../../../src/engine/remote/transport/node-transport.js';
import {
  type HttpAnswer,
  type HttpTransport,
  TransportError,
} from '../../../src/engine/remote/transport/transport.js';
import { textOfBytes } from '../../../src/engine/remote/transport/text.js';
import { Secret } from '../../../src/secret.js';
import { mutateBytes, mutateJson, piecesOf, type Random, rewriteJson, seeded } from '../../support/mutate.js';
import { startSqld } from '../../support/sqld.js';

/** `FUZZ_SEED=… npx vitest run` repeats a failure. */
const SEED = Number(process.env['FUZZ_SEED'] ?? Math.floor(Math.random() * 2 ** 31));

const ROWS = `select 1 as i, 9007199254740993 as big, -0.5 as r, 'tëxt"\\' as t, x'00ff10' as b, null as n
  union all select -9223372036854775808, -1, 1e300, '', x'', null`;

const steps: readonly BatchStep[] = [
  step('insert into items values (1, ?)', ['a']),
  step(ROWS),
  step('select * from missing'),
  step("insert into items values (2, 'b') returning *"),
].map((one) => ({ step: one, conditions: [] }));

function step(sql: string, args: Step['args'] = []): Step {
  return { sql, args, rows: true, exact: false };
}

/** Serves every request with given bytes; `send()` gives what the server would. */
class Memory implements HttpTransport {
  readonly texts: string[] = [];
  next: (() => HttpAnswer) | undefined;
  readonly #real = nodeTransport() as HttpTransport;

  async send(request: Parameters<HttpTransport['send']>[0]): Promise<HttpAnswer> {
    if (this.next !== undefined) return this.next();
    const text = await (await this.#real.send(request)).text();
    this.texts.push(text);
    return answer([Buffer.from(text)]);
  }

  close(): void {
    this.#real.close();
  }
}

/** @param cut - fail at the end of the pieces, as a connection that breaks does */
function answer(pieces: readonly Uint8Array[], cut = false, status = 200): HttpAnswer {
  let at = 0;
  const end = (): undefined => {
    if (cut) throw new TransportError(new Error('cut'), true);
  };
  return {
    status,
    header: (name) => (name === 'content-type' ? 'application/json' : undefined),
    text: async () => end() ?? textOfBytes(Buffer.concat(pieces)),
    read: async () => (at < pieces.length ? pieces[at++] : end()),
    cancel: () => {},
  };
}

interface Recorded {
  readonly stream: HttpStream;
  readonly transport: Memory;
  /** Whole answers of pipelines. */
  readonly pipelines: readonly string[];
  readonly cursor: string;
  readonly result: string;
  readonly batch: string;
  readonly description: string;
}

/** What a real server answers. */
async function record(): Promise<Recorded> {
  const sqld = await startSqld();
  const transport = new Memory();
  const server = new HttpServer({
    url: sqld.url,
    transport,
    token: new TokenSource(undefined),
    encryptionKey: new Secret<string | undefined>(undefined),
    compression: false,
    readYourWrites: true,
  });
  const create = (): HttpStream => new HttpStream(server, new Calls(), () => {});
  const stream = create();
  await stream.execute(step('create table items (id integer primary key, name text not null)'));
  await stream.execute(step(ROWS));
  await stream.batch(steps);
  await stream.describe('select id, name from items');
  await stream.isAutocommit();
  await stream.execute(step('select * from missing')).catch(() => {});
  const pipelines = transport.texts.splice(0);
  await stream.execute(step('delete from items'));
  transport.texts.length = 0;
  await stream.openCursor(steps);
  const result = (text: string | undefined): string =>
    JSON.stringify((JSON.parse(text ?? '') as Pipeline).results[0]?.response.result);
  return {
    ...{ stream: create(), transport, pipelines, cursor: transport.texts[0] ?? '' },
    ...{ result: result(pipelines[1]), batch: result(pipelines[2]), description: result(pipelines[3]) },
  };
}

interface Pipeline {
  readonly results: { response: { result: unknown } }[];
}

/** Checks that what was thrown belongs to our tree, or becomes part of it, and shows nothing of what was received. */
function checkThrown(error: unknown): void {
  if (error instanceof DatabaseError) return;
  const known =
    error instanceof ServerError || error instanceof TransportError || error instanceof HttpStatusError;
  if (!known || !(toRemoteError(error) instanceof DatabaseError)) {
    throw new Error('an error of another class', { cause: error });
  }
}

function checkRow(row: unknown, width: number): void {
  const right = (value: unknown): boolean =>
    value === null || ['number', 'bigint', 'string'].includes(typeof value) || value instanceof Uint8Array;
  if (!Array.isArray(row) || row.length !== width || !row.every(right)) throw new Error('a row is wrong');
}

function checkColumns(columns: readonly ResultColumn[]): void {
  const right = columns.every(({ name, type }) => typeof name === 'string' && typeof type === 'string');
  if (!right) throw new Error('a column is wrong');
}

function checkCount(count: number): void {
  if (!Number.isSafeInteger(count) || count < 0) throw new Error('a number of rows is wrong');
}

function checkResult({ columns, rows, rowsAffected, lastInsertRowid }: StepResult): void {
  checkColumns(columns);
  for (const row of rows) checkRow(row, columns.length);
  checkCount(rowsAffected);
  if (lastInsertRowid !== undefined && typeof lastInsertRowid !== 'bigint')
    throw new Error('a rowid is wrong');
}

function checkOutcomes(outcomes: readonly StepOutcome[]): void {
  if (outcomes.length !== steps.length) throw new Error('an outcome is missing');
  for (const outcome of outcomes) {
    if (outcome instanceof Error) checkThrown(outcome);
    else if (outcome !== undefined) checkResult(outcome);
  }
}

/** Runs cases, each with random numbers of its own, so that a failure names the one that repeats it. */
async function cases(times: number, run: (random: Random) => unknown): Promise<void> {
  const { stackTraceLimit } = Error;
  // Most of the time goes into stacks that nobody reads.
  Error.stackTraceLimit = 0;
  try {
    for (let i = 0; i < times; i++) {
      try {
        await run(seeded(SEED + i));
      } catch (cause) {
        throw new Error(`FUZZ_SEED=${SEED + i}`, { cause });
      }
    }
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
  }
}

/** Calls and checks: what is given, or what is thrown. */
async function settle<T>(
  call: () => T | Promise<T>,
  check: (value: T) => void,
  bytes: Uint8Array = Buffer.of(),
): Promise<boolean> {
  let value: T;
  try {
    value = await call();
  } catch (error) {
    checkThrown(error);
    return false;
  }
  // Otherwise a stand-in would be part of a value.
  if (!isUtf8(bytes)) throw new Error('an answer that is no UTF-8 was taken');
  check(value);
  return true;
}

const mutated = (text: string, random: Random): Buffer => {
  const first =
    random.below(3) > 0 ? Buffer.from(mutateJson(text, random)) : mutateBytes(Buffer.from(text), random);
  return random.below(4) === 0 ? mutateBytes(first, random) : first;
};

/** The lines of an answer, of which some are left out, repeated, exchanged or changed. */
function mutatedLines(text: string, random: Random): Buffer {
  const lines = text.trimEnd().split('\n');
  const at = random.below(lines.length);
  const other = random.below(lines.length);
  const line = lines[at] as string;
  const kind = random.below(6);
  if (kind === 0) lines.splice(at, 1);
  else if (kind === 1) lines.splice(at, 0, lines[other] as string);
  else if (kind === 2) [lines[at], lines[other]] = [lines[other] as string, line];
  else if (kind === 3) return mutateBytes(Buffer.from(text), random);
  else lines[at] = mutateJson(line, random);
  return Buffer.from(lines.join(random.pick(['\n', '\n', '\r\n', '\n\n'])));
}

async function readAll(cursor: HttpCursor): Promise<CursorEntry[]> {
  const all: CursorEntry[] = [];
  for (;;) {
    const entries = await cursor.next();
    if (entries === undefined) return all;
    all.push(...entries);
  }
}

function checkEntries(entries: readonly CursorEntry[]): void {
  let width = 0;
  for (const entry of entries) {
    if (entry.type === 'begin') width = entry.columns.length;
    else if (entry.type === 'row') checkRow(entry.row, width);
    else if (entry.type === 'error') checkThrown(entry.error);
    else checkCount(entry.rowsAffected);
  }
}

describe('whatever a server answers', { timeout: 120_000 }, () => {
  it('it is a typed error or a whole result: 100,000 answers', async () => {
    const { stream, transport, pipelines, cursor, result, batch, description } = await record();
    let right = 0;
    const count = (ok: boolean): void => void (right += Number(ok));
    const text = (bytes: Buffer): unknown => parseJson(textOfBytes(bytes));
    await cases(30_000, async (random) => {
      const exact = random.below(2) === 0;
      const bytes = mutated(result, random);
      count(await settle(() => decodeResult(text(bytes), exact), checkResult, bytes));
    });
    await cases(25_000, async (random) => {
      const bytes = mutated(batch, random);
      count(await settle(() => decodeBatch(text(bytes), steps), checkOutcomes, bytes));
    });
    await cases(5_000, async (random) => {
      const bytes = mutated(description, random);
      count(
        await settle(
          () => decodeDescription(text(bytes)),
          () => {},
          bytes,
        ),
      );
    });
    const lines = cursor.trimEnd().split('\n').slice(1);
    await cases(10_000, async (random) => {
      const decoder = new EntryDecoder(steps);
      const run = (): CursorEntry[] =>
        Array.from({ length: 12 }, () => {
          const line = random.pick(lines);
          return decoder.decode(random.below(4) === 0 ? text(mutated(line, random)) : JSON.parse(line));
        }).filter((entry) => entry !== undefined);
      count(await settle(run, checkEntries));
    });
    await cases(15_000, async (random) => {
      const bytes = mutatedLines(cursor, random);
      const source = new HttpCursor(
        answer(piecesOf(bytes, random), random.below(8) === 0),
        steps,
        new Calls(),
      );
      const read = async (): Promise<CursorEntry[]> => {
        await source.head(new AbortController().signal);
        return await readAll(source);
      };
      count(await settle(read, checkEntries, bytes));
    });
    await cases(15_000, async (random) => {
      const bytes = mutated(random.pick(pipelines), random);
      const status = random.pick([200, 200, 200, 200, 400, 404, 500]);
      transport.next = () => answer([bytes], random.below(16) === 0, status);
      const one = new HttpStream(serverOf(transport), new Calls(), () => {});
      const call = random.pick<() => Promise<unknown>>([
        () => one.execute(step(ROWS)),
        () => one.batch(steps),
        () => one.describe('select 1'),
        () => one.isAutocommit(),
        () => one.openCursor(steps),
      ]);
      count(await settle(call, () => {}, bytes));
      one.close();
    });
    stream.close();
    // Not everything is refused, or little was tried.
    expect(right).toBeGreaterThan(10_000);
    expect(right).toBeLessThan(60_000);
  });

  it('the same in another form is the same: 3,000 answers', async () => {
    const { cursor, result, batch } = await record();
    const rows = decodeResult(JSON.parse(result), false);
    const outcomes = decodeBatch(JSON.parse(batch), steps);
    const [head = '', ...lines] = cursor.trimEnd().split('\n');
    const read = async (text: string, random: Random): Promise<CursorEntry[]> => {
      const source = new HttpCursor(answer(piecesOf(Buffer.from(text), random)), steps, new Calls());
      await source.head(new AbortController().signal);
      return await readAll(source);
    };
    const entries = await read(cursor, seeded(0));
    expect(entries.filter(({ type }) => type === 'row')).toHaveLength(3);
    expect(rows.rows[1]).toEqual([-9223372036854775808n, -1, 1e300, '', new Uint8Array(), null]);
    await cases(1_000, async (random) => {
      const rewritten = JSON.parse(rewriteJson(result, random)) as unknown;
      same(decodeResult(rewritten, false), rows);
      same(decodeBatch(JSON.parse(rewriteJson(batch, random)), steps), outcomes);
      const all = [head, ...lines].map((line) => rewriteJson(line, random));
      same(await read(all.join(random.pick(['\n', '\r\n', '\n\n'])), random), entries);
    });
  });
});

function serverOf(transport: HttpTransport): HttpServer {
  return new HttpServer({
    url: 'http://server',
    transport,
    token: new TokenSource(undefined),
    encryptionKey: new Secret<string | undefined>(undefined),
    compression: false,
    readYourWrites: true,
  });
}

function same(value: unknown, expected: unknown): void {
  if (!isDeepStrictEqual(value, expected)) throw new Error('it is not the same');
}
