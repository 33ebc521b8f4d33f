import type { ConnectionBatchItem } from '../engine.js';
import { statementIndexOf, toRemoteError } from './failure.js';
import type { Step, StepResult } from './hrana/protocol.js';
import { isRowidUnsure } from './own-rowid.js';
import { footprintOf, toStep } from './step.js';
import type { RemoteStream } from './stream.js';

type OpenStream = () => Promise<RemoteStream>;

/**
 * Sends a batch as one message, which is one transaction.
 *
 * @param begin - how the transaction begins
 * @throws the failure of a statement, with its index and text
 */
export async function sendBatch(
  openStream: OpenStream,
  items: readonly ConnectionBatchItem[],
  begin: string,
): Promise<StepResult[]> {
  const steps = items.map(({ statement, values, request }) => toStep(statement, values, request));
  const stream = await openStream();
  try {
    if (!items.every(({ statement }) => footprintOf(statement).clean)) stream.spoil();
    const keeps = items.at(-1)?.alone === true;
    return await withOwnRowids(openStream, steps, await stream.batchAndClose(begin, steps, keeps));
  } catch (thrown) {
    const index = statementIndexOf(thrown);
    const error = toRemoteError(thrown, index === undefined ? undefined : items[index]?.statement.text);
    if (index === undefined && error.kind === 'sql') return await sendOneByOne(openStream, items, begin);
    if (index === undefined && error.kind === 'constraint') throw toRemoteError(thrown, 'COMMIT');
    throw error;
  }
}

/** The results without rowids of earlier statements. Which tables have rowids is asked once for each, after the batch. */
async function withOwnRowids(
  openStream: OpenStream,
  steps: readonly Step[],
  results: readonly StepResult[],
): Promise<StepResult[]> {
  const isUnsure = (i: number): boolean => isRowidUnsure(steps[i] as Step, results[i] as StepResult);
  if (!results.some((_, i) => isUnsure(i))) return [...results];
  const stream = await openStream();
  try {
    const known = new Map<string, boolean>();
    const settled: StepResult[] = [];
    for (const [i, result] of results.entries()) {
      const { into = '' } = steps[i] as Step;
      if (isUnsure(i) && !known.has(into)) known.set(into, await stream.hasRowids(into));
      settled.push(isUnsure(i) && !known.get(into) ? { ...result, lastInsertRowid: undefined } : result);
    }
    return settled;
  } finally {
    stream.close();
  }
}

/**
 * Runs a batch that the server has refused as a whole, without a word of which statement is at fault (sqld 0.24, for one
 * that it can't parse). Nothing of it was done.
 */
async function sendOneByOne(
  openStream: OpenStream,
  items: readonly ConnectionBatchItem[],
  begin: string,
): Promise<StepResult[]> {
  const stream = await openStream();
  try {
    stream.begin(begin);
    const results: StepResult[] = [];
    for (const [index, { statement, values, request }] of items.entries()) {
      try {
        results.push(await stream.query(toStep(statement, values, request)));
      } catch (thrown) {
        const error = toRemoteError(thrown, statement.text);
        error.statementIndex = index;
        throw error;
      }
    }
    await stream.endAndClose('COMMIT');
    return results;
  } finally {
    stream.close();
  }
}
