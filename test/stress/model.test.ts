import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Database, open, type Transaction } from '../../src/index.js';

/** A transaction: what it does in order, and whether it throws at the end. */
interface Tree {
  readonly steps: readonly Step[];
  readonly fails: boolean;
}

type Step =
  | { readonly kind: 'insert' }
  | { readonly kind: 'nested'; readonly tree: Tree; readonly caught: boolean }
  | { readonly kind: 'siblings'; readonly trees: readonly Tree[] };

const { tree } = fc.letrec<{ tree: Tree; step: Step }>((tie) => ({
  tree: fc.record({
    steps: fc.array(tie('step'), { maxLength: 5, depthIdentifier: 'tree' }),
    // Rarely, or hardly any root would commit.
    fails: fc.nat(4).map((n) => n === 0),
  }),
  step: fc.oneof(
    { depthIdentifier: 'tree', depthSize: 'small', withCrossShrink: true },
    fc.constant<Step>({ kind: 'insert' }),
    fc.record({ kind: fc.constant('nested' as const), tree: tie('tree'), caught: fc.boolean() }),
    fc.record({
      kind: fc.constant('siblings' as const),
      trees: fc.array(tie('tree'), { minLength: 2, maxLength: 3 }),
    }),
  ),
}));

class Failure extends Error {}

/** What must be left of a tree: the keys of its rows, or undefined if it fails. A key is the path to the insert. */
function expected({ steps, fails }: Tree, path: string): string[] | undefined {
  const keys: string[] = [];
  for (const [i, step] of steps.entries()) {
    const key = `${path}.${i}`;
    if (step.kind === 'insert') keys.push(key);
    else if (step.kind === 'siblings')
      keys.push(...step.trees.flatMap((one, n) => expected(one, `${key}/${n}`) ?? []));
    else {
      const nested = expected(step.tree, key);
      if (nested === undefined && !step.caught) return undefined;
      keys.push(...(nested ?? []));
    }
  }
  return fails ? undefined : keys;
}

async function run(tx: Transaction, { steps, fails }: Tree, path: string): Promise<void> {
  for (const [i, step] of steps.entries()) {
    const key = `${path}.${i}`;
    if (step.kind === 'insert') await tx.execute('insert into rows values (?)', [key]);
    else if (step.kind === 'siblings') {
      await Promise.allSettled(
        step.trees.map((one, n) => tx.transaction((nested) => run(nested, one, `${key}/${n}`))),
      );
    } else {
      const nested = tx.transaction((inner) => run(inner, step.tree, key));
      await (step.caught ? nested.catch(() => {}) : nested);
    }
  }
  if (fails) throw new Failure();
}

async function keysOf(db: Database): Promise<string[]> {
  const { rows } = await db.execute<{ key: string }>('select key from rows order by key');
  return rows.map(({ key }) => key);
}

let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'turso-dialect-model-'));
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('random trees of nested transactions with failures', () => {
  it.each([
    ['memory', 2_500],
    ['file', 500],
  ])('leave what the model leaves: %s', { timeout: 120_000 }, async (kind, numRuns) => {
    await using db = open(kind === 'memory' ? ':memory:' : join(folder, 'trees.db'));
    await db.execute('create table rows (key text primary key)');
    await fc.assert(
      fc.asyncProperty(tree, async (root) => {
        await db.execute('delete from rows');
        const keys = expected(root, 'r');
        const outcome = await db
          .transaction((tx) => run(tx, root, 'r'))
          .then(
            () => 'committed',
            (error) => error,
          );
        if (keys === undefined) expect(outcome).toBeInstanceOf(Failure);
        else expect(outcome).toBe('committed');
        expect(await keysOf(db)).toEqual((keys ?? []).toSorted());
      }),
      { numRuns, seed: 20_261_121 },
    );
  });
});

/** What one of many concurrent callers does; each has keys of its own. */
interface Action {
  readonly kind: 'write' | 'batch' | 'independent' | 'transaction' | 'stream';
  readonly fails: boolean;
  readonly pause: number;
  readonly handle: number;
}

const action = fc.record<Action>({
  kind: fc.constantFrom('write', 'batch', 'independent', 'transaction', 'stream'),
  fails: fc.boolean(),
  pause: fc.nat(2),
  handle: fc.nat(2),
});

/** Does it and gives the keys that must be there afterwards. */
async function act(db: Database, { kind, fails, pause }: Action, name: string): Promise<string[]> {
  const [one, two] = [`${name}-1`, `${name}-2`];
  const insert = (key: string): { sql: string; args: string[] } => ({
    sql: 'insert into rows values (?)',
    args: [key],
  });
  const second = insert(fails ? one : two);
  if (kind === 'write') {
    const both = db.execute('insert into rows values (?), (?)', [one, fails ? one : two]);
    return both.then(
      () => [one, two],
      () => [],
    );
  }
  if (kind === 'batch') {
    return db.batch([insert(one), second]).then(
      () => [one, two],
      () => [],
    );
  }
  if (kind === 'independent') {
    const outcomes = await db.batch([insert(one), second], { atomic: false });
    return outcomes.flatMap(({ status }, i) => (status === 'fulfilled' ? [i === 0 ? one : two] : []));
  }
  if (kind === 'stream') {
    for await (const _row of db.stream('select key from rows', [], { batchSize: 1 })) if (fails) break;
    return [];
  }
  const done = db.transaction(async (tx) => {
    await tx.execute('insert into rows values (?)', [one]);
    for (let i = 0; i < pause; i++) await new Promise((resolve) => setImmediate(resolve));
    await tx.execute('insert into rows values (?)', [two]);
    if (fails) throw new Failure();
  });
  return done.then(
    () => [one, two],
    () => [],
  );
}

describe('random interleavings of writes, batches, transactions and streams', () => {
  it.each([
    ['memory', 1_000],
    ['file', 400],
  ])('leave exactly what was acknowledged: %s', { timeout: 120_000 }, async (kind, numRuns) => {
    const path = join(folder, 'interleaved.db');
    const handles = kind === 'memory' ? [open(':memory:')] : [open(path), open(path), open(path)];
    const [first] = handles as [Database];
    await first.execute('create table rows (key text primary key)');
    await fc.assert(
      fc.asyncProperty(fc.array(action, { minLength: 1, maxLength: 14 }), async (actions) => {
        await first.execute('delete from rows');
        const kept = await Promise.all(
          actions.map((one, i) => act(handles[one.handle % handles.length] ?? first, one, `a${i}`)),
        );
        expect(await keysOf(first)).toEqual(kept.flat().toSorted());
      }),
      { numRuns, seed: 20_261_121 },
    );
    for (const handle of handles) await handle.close();
  });
});
