import type { CursorEntry, EntrySource, StepOutcome } from './protocol.js';

/** The answer to a batch as that of a cursor, where there are none. */
export function wholeEntries(outcomes: readonly StepOutcome[]): EntrySource {
  const entries = outcomes.flatMap(toEntries);
  return {
    next: async () => (entries.length === 0 ? undefined : entries.splice(0)),
    close: () => {},
  };
}

function toEntries(outcome: StepOutcome, step: number): CursorEntry[] {
  if (outcome === undefined) return [];
  if (outcome instanceof Error) return [{ type: 'error', step, error: outcome }];
  const { columns, rows, rowsAffected } = outcome;
  return [
    { type: 'begin', step, columns },
    ...rows.map((row): CursorEntry => ({ type: 'row', row })),
    { type: 'end', rowsAffected },
  ];
}
