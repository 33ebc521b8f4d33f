import { rowidQuestion } from '../told-rowid.js';
import { toRemoteError } from './failure.js';
import type { HranaStream, Step, StepResult } from './hrana/protocol.js';

/** Whether the rowid of a result may be that of an earlier statement: the table decides whether it has rowids at all. */
export function isRowidUnsure(
  { into }: Step,
  { rowidRepeated, rowsAffected, lastInsertRowid }: StepResult,
): boolean {
  return into !== undefined && rowidRepeated === true && rowsAffected > 0 && (lastInsertRowid ?? 0n) !== 0n;
}

/** A result without the rowid of an earlier statement. */
export async function withOwnRowid(stream: HranaStream, step: Step, result: StepResult): Promise<StepResult> {
  if (!isRowidUnsure(step, result) || (await hasRowids(stream, step.into as string))) return result;
  return { ...result, lastInsertRowid: undefined };
}

/** Asks whether a table has rowids: one WITHOUT ROWID and a view have none. Nothing is run. */
export async function hasRowids(stream: HranaStream, table: string): Promise<boolean> {
  try {
    await stream.describe(rowidQuestion(table));
    return true;
  } catch (thrown) {
    const error = toRemoteError(thrown, undefined);
    if (error.kind === 'sql') return false;
    throw error;
  }
}
