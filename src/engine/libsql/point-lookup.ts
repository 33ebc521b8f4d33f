import type { NativeDatabase, NativeStatement } from './native.js';

/** Proof that a statement gives one row at most, for as long as the schema stays as it was. */
export interface PointLookup {
  readonly schemaVersion: NativeStatement;
  readonly provenAt: number;
  readonly epoch: number;
}

/**
 * Opcodes of a program that looks one row up by its rowid and ends (https://www.sqlite.org/opcode.html). None of those
 * found here jumps backwards, except the `Goto` that follows the initialisation at the program's end, so such a program reaches
 * its `ResultRow` once at most.
 */
const JUMPS: ReadonlySet<string> = new Set(['IsNull', 'NotNull', 'MustBeInt', 'SeekRowid', 'NotExists']);

const STRAIGHT_LINE: ReadonlySet<string> = new Set([
  ...JUMPS,
  ...['Init', 'Transaction', 'Goto', 'Halt', 'OpenRead', 'Explain', 'Noop', 'ReleaseReg', 'CursorHint'],
  ...['Integer', 'Int64', 'Real', 'String8', 'Null', 'Blob', 'Variable', 'Copy', 'SCopy', 'Affinity'],
  ...['Column', 'Rowid', 'RealAffinity', 'ResultRow'],
]);

/**
 * Proves from the program that `EXPLAIN` shows that a SELECT looks up one row of a table of the main schema.
 *
 * @param epoch - changes whenever this connection changes its own schema (temporary tables, attached databases)
 */
export function findPointLookup(database: NativeDatabase, sql: string, epoch: number): PointLookup | undefined {
  // Prepared before the proof, so that a schema change between the two is seen.
  const schemaVersion = database.prepare('PRAGMA schema_version').raw();
  const provenAt = readVersion(schemaVersion);
  const explain = database.prepare(`EXPLAIN ${sql}`);
  // Parameters stay unbound: the program is compiled, not run.
  const program = drain(explain.raw());
  return isStraightLine(program) ? { schemaVersion, provenAt, epoch } : undefined;
}

/**
 * Whether the proof held while the lookup ran. Asked after it: versions only grow, so one that is unchanged now was
 * unchanged then.
 */
export function schemaUnchanged(lookup: PointLookup, epoch: number): boolean {
  return lookup.epoch === epoch && readVersion(lookup.schemaVersion) === lookup.provenAt;
}

function readVersion(statement: NativeStatement): number {
  return statement.get([])?.[0] as number;
}

/** Rows of EXPLAIN: addr, opcode, p1, p2, p3, p4, p5, comment. */
type Instruction = [number, string, number, number, number, ...unknown[]];

function isStraightLine(program: Instruction[]): boolean {
  let results = 0;
  for (const [address, opcode, , p2, p3] of program) {
    if (!STRAIGHT_LINE.has(opcode)) return false;
    if (opcode === 'OpenRead' && p3 !== 0) return false; // p3 is the schema; 0 is main
    if (JUMPS.has(opcode) && p2 <= address) return false;
    if (opcode === 'Goto' && p2 <= address && p2 !== 1) return false;
    if (opcode === 'ResultRow') results++;
  }
  return results === 1;
}

function drain(statement: NativeStatement): Instruction[] {
  const rows: Instruction[] = [];
  const iterator = statement.iterate([]);
  for (let next = iterator.next(); !next.done; next = iterator.next()) rows.push(next.value as Instruction);
  return rows;
}
