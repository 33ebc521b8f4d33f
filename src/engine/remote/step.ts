import { CapabilityError } from '../../errors.js';
import { rowwiseDelete } from '../../sql/bare-delete.js';
import { insertTarget } from '../../sql/insert-target.js';
import type { AnalyzedStatement } from '../../sql/statement.js';
import type { SqlValue } from '../../values.js';
import type { ExecuteRequest } from '../engine.js';
import { inserts } from '../statement-effect.js';
import type { Step } from './hrana/protocol.js';
import { positionalText } from './positional.js';

/** A statement as it is sent. @param byName - whether values may go by their names, so that columns are called as written */
export function toStep(
  statement: AnalyzedStatement,
  args: readonly SqlValue[],
  request: Pick<ExecuteRequest, 'fetch' | 'exactIntegers' | 'rowid'>,
  { byName = true } = {},
): Step {
  // Nobody here knows whether the table has a vector index.
  const sent = rowwiseDelete(statement);
  const names = byName ? namesOf(sent) : undefined;
  return {
    sql: names === undefined ? positionalText(sent) : sent.text,
    args,
    names,
    rows: request.fetch !== 'none',
    exact: request.exactIntegers === true,
    reads: statement.kind === 'read',
    into: request.rowid === true && inserts(statement) ? insertTarget(statement) : undefined,
  };
}

/**
 * The names of the values, if all have one: the server binds by name or by position (sqld 0.24). `?5` is bound by
 * position.
 */
function namesOf({ parameters }: AnalyzedStatement): Step['names'] {
  if (!parameters.named) return undefined;
  const named = parameters.names.every(
    (name) => name === undefined || (name !== null && !name.startsWith('?')),
  );
  return named ? (parameters.names as Step['names']) : undefined;
}

const VERBS: ReadonlySet<string> = new Set(['SELECT', 'VALUES', 'INSERT', 'REPLACE', 'UPDATE', 'DELETE']);

/** What a statement may leave on its connection, and see of the one before. */
export interface Footprint {
  /** Whether another statement may follow on the same connection and see nothing of it. */
  readonly clean: boolean;
  /** Whether it must run on a connection on which nothing ran before. */
  readonly fresh: boolean;
}

const footprints = new WeakMap<AnalyzedStatement, Footprint>();

/** Decides whether a connection of the server may be used for another statement. `changes()` tells of the one before. */
export function footprintOf(statement: AnalyzedStatement): Footprint {
  let footprint = footprints.get(statement);
  if (footprint === undefined) {
    const { verb, text } = statement;
    const asks = /\b(?:changes|total_changes|last_insert_rowid)\b/i.test(text);
    footprint = { clean: VERBS.has(verb), fresh: asks };
    footprints.set(statement, footprint);
  }
  return footprint;
}

/** The settings of a connection that a server lets change (sqld 0.24). */
const OF_A_CONNECTION: ReadonlySet<string> = new Set(['foreign_keys', 'defer_foreign_keys']);

/**
 * Refuses a setting in a statement that has a connection of its own.
 *
 * @throws {@link CapabilityError}
 */
export function refuseSetting({ pragma, pragmaArgument }: AnalyzedStatement): void {
  if (pragma === undefined || !pragmaArgument || !OF_A_CONNECTION.has(pragma)) return;
  throw new CapabilityError(
    'pragma',
    `PRAGMA ${pragma} would have no effect: at a server every statement has a connection of its own; set it in a ` +
      'script() or transaction, together with what it is for',
  );
}
