import type { SqlValue } from '../values.js';
import type { StatementAccess } from './access-rules.js';
import { type SchemaMap, type Tree, treeId } from './schema-map.js';

/** One row of EXPLAIN. */
export interface Instruction {
  readonly opcode: string;
  readonly p1: number;
  readonly p2: number;
  readonly p3: number;
  readonly p4: string;
  readonly p5: number;
}

/** What the bytecode of a statement does, virtual tables apart. */
export interface BytecodeAccess {
  readonly accesses: readonly StatementAccess[];
  /** Whether virtual tables are read, and whether they are written; the bytecode does not say which. */
  readonly readsVirtual: boolean;
  readonly writesVirtual: boolean;
  /** Whether triggers or actions of foreign keys may run. */
  readonly programs: boolean;
  /** Whether LIKE or GLOB is called. With a parameter as pattern they may use an index, and which depends on its value. */
  readonly patterns: boolean;
  /** Whether it opens a table or index that the map does not have. */
  readonly unknown: boolean;
}

/** Set on an Insert or Delete that is a part of an UPDATE. */
const IS_UPDATE = 0x04;
/** Set where the number of the root page is in a register, as it is for a table that the statement makes. */
const ROOT_IN_REGISTER = 0x10;

const words = (text: string): ReadonlySet<string> => new Set(text.split(' '));

const OPENS = words('OpenRead OpenWrite ReopenIdx');
/** They read the rowid of their cursor P1, or find a row by it. */
const ROWID = words('Rowid IdxRowid SeekRowid NotExists');
/** They look whether a row would be in the way, where the cursor is only for writing. */
const CONFLICT = words('NotExists NoConflict');
/** They compare as many columns as P4 says with the record at their cursor P1. */
const COMPARES = words(
  'SeekLT SeekLE SeekGE SeekGT IdxLE IdxGT IdxLT IdxGE Found NotFound NoConflict IfNoHope',
);
/** They go to a record by its place in the order. */
const MOVES = words('Rewind Last SeekLT SeekLE SeekGE SeekGT');
/** They look for a record, and tell whether it is there. */
const FINDS = words('Found NotFound NoConflict');
/** They call a function that P4 names. */
const CALLS = words('Function PureFunc');
/** They read nothing of the record at a cursor. */
const HARMLESS = words(
  'Abortable Add AddImm Affinity AggFinal AggInverse AggStep AggStep1 AggValue And AutoCommit BeginSubrtn BitAnd BitNot ' +
    'BitOr Blob Cast Checkpoint Clear ClrSubtype Close CollSeq Compare Concat Copy Count CreateBtree CursorHint CursorLock ' +
    'CursorUnlock DecrJumpZero DeferredSeek Delete Destroy Divide DropIndex DropTable DropTrigger ElseEq EndCoroutine ' +
    'Eq Expire Explain Filter FilterAdd FinishSeek FkCheck FkCounter FkIfZero Function Ge GetSubtype Gosub Goto Gt Halt ' +
    'HaltIfNull IdxDelete IdxInsert If IfEmpty IfNot IfNotOpen IfNotZero IfNullRow IfPos IfSizeBetween IfSmaller IncrVacuum ' +
    'Init InitCoroutine Insert Int64 IntCopy Integer IntegrityCk Integrity IsNull IsTrue JournalMode Jump Last Le ' +
    'LoadAnalysis Lt MakeRecord MaxPgcnt MemMax Move Multiply MustBeInt Ne NewRowid Next Noop Not NotNull Null NullRow ' +
    'OffsetLimit Once OpenAutoindex OpenDup OpenEphemeral OpenPseudo OpenRead OpenVectorIdx OpenWrite Or Pagecount Param ' +
    'ParseSchema Permutation Prev Program PureFunc ReadCookie Real RealAffinity ReleaseReg Remainder ReopenIdx ResetCount ' +
    'ResetSorter ResultRow Return Rewind RowSetAdd RowSetRead RowSetTest SCopy Savepoint SeekEnd SeekHit SeekScan Sequence ' +
    'SequenceTest SetCookie SetSubtype ShiftLeft ShiftRight SoftNull Sort SorterCompare SorterData SorterInsert SorterNext ' +
    'SorterOpen SorterSort SqlExec String String8 Subtract TableLock Trace Transaction TypeCheck Vacuum Variable ' +
    'VBegin VCheck VColumn VCreate VDestroy VFilter VInitIn VNext VOpen VPreparedSql VRename VUpdate Yield ZeroOrNull',
);

/** The rows of EXPLAIN, as what they mean. `P4` and the rest may come in any type. */
export function toInstructions(rows: readonly SqlValue[][]): Instruction[] {
  return rows.map(([, opcode, p1, p2, p3, p4, p5]) => ({
    opcode: String(opcode),
    p1: Number(p1),
    p2: Number(p2),
    p3: Number(p3),
    p4: String(p4 ?? ''),
    p5: Number(p5),
  }));
}

/**
 * Finds out what a statement reads and writes, through views, triggers and common table expressions, by the trees that its
 * bytecode opens. See https://www.sqlite.org/opcode.html; where an instruction is not known, everything counts as read.
 *
 * @param instructions - what EXPLAIN gives; the programs of triggers follow that of the statement
 */
export function accessesOf(instructions: readonly Instruction[], schema: SchemaMap): BytecodeAccess {
  const found = new Accesses(schema);
  for (const [i, program] of programsOf(instructions).entries()) {
    if (isOurs(program)) continue;
    found.programs ||= i > 0;
    found.addProgram(program);
  }
  return found;
}

/** Whether it is a trigger that records changes for a listener of the handle. */
function isOurs([init]: readonly Instruction[]): boolean {
  return init?.p4.startsWith('-- TRIGGER __turso_dialect_') === true;
}

/** Every program begins with an Init. */
function programsOf(instructions: readonly Instruction[]): Instruction[][] {
  const programs: Instruction[][] = [];
  for (const instruction of instructions) {
    if (instruction.opcode === 'Init' || programs.length === 0) programs.push([]);
    programs.at(-1)?.push(instruction);
  }
  return programs;
}

/** Where a cursor that is opened is closed before it is opened again; undefined where it stays open. */
function closing(program: readonly Instruction[], from: number, cursor: number): number | undefined {
  for (let i = from + 1; i < program.length; i++) {
    const { opcode, p1 } = program[i] as Instruction;
    if (p1 !== cursor) continue;
    if (opcode === 'Close') return i;
    if (OPENS.has(opcode)) return undefined;
  }
  return undefined;
}

/** What a cursor stands for. */
interface OpenCursor {
  readonly trees: readonly Tree[];
  /** Whether it is never opened for reading. */
  readonly writeOnly: boolean;
}

const NO_CURSOR: OpenCursor = { trees: [], writeOnly: false };

/**
 * The trees that the cursors of a program stand for. The number of a cursor that was closed may be used again, for the
 * counter of AUTOINCREMENT and for the tables of foreign keys, so what stands between its opening and its closing is
 * about that tree alone.
 */
class OpenCursors {
  readonly all: Tree[] = [];
  readonly #open = new Map<number, OpenCursor>();
  readonly #closed: (OpenCursor & { readonly cursor: number; readonly from: number; readonly to: number })[] =
    [];

  add(cursor: number, tree: Tree, writeOnly: boolean, from: number, to: number | undefined): void {
    this.all.push(tree);
    if (to !== undefined) {
      this.#closed.push({ cursor, from, to, trees: [tree], writeOnly });
      return;
    }
    const before = this.#open.get(cursor) ?? { trees: [], writeOnly: true };
    this.#open.set(cursor, { trees: [...before.trees, tree], writeOnly: before.writeOnly && writeOnly });
  }

  /** What a cursor stands for at an instruction. */
  at(instruction: number, cursor: number): OpenCursor {
    const closed = this.#closed.find(
      (one) => one.cursor === cursor && one.from < instruction && instruction < one.to,
    );
    return closed ?? this.#open.get(cursor) ?? NO_CURSOR;
  }
}

class Accesses implements BytecodeAccess {
  readonly #schema: SchemaMap;
  readonly #found = new Map<string, StatementAccess>();
  readsVirtual = false;
  writesVirtual = false;
  programs = false;
  patterns = false;
  unknown = false;

  constructor(schema: SchemaMap) {
    this.#schema = schema;
  }

  get accesses(): StatementAccess[] {
    return [...this.#found.values()];
  }

  addProgram(program: readonly Instruction[]): void {
    const opened = this.#openCursors(program);
    for (const [i, instruction] of program.entries()) {
      const { opcode, p1, p2, p4, p5 } = instruction;
      const { trees, writeOnly } = opened.at(i, p1);
      if (writeOnly && CONFLICT.has(opcode)) {
        for (const tree of trees) this.#lookForConflict(tree, instruction);
        continue;
      }
      if (MOVES.has(opcode)) for (const tree of trees) this.#walk(tree);
      else if (FINDS.has(opcode)) for (const tree of trees) this.#choose(tree);
      if (opcode === 'Column') for (const tree of trees) this.#readColumn(tree, p2);
      else if (ROWID.has(opcode)) for (const tree of trees) this.#readRowid(tree);
      else if (COMPARES.has(opcode))
        for (const tree of trees) this.#compare(tree, Number(p4) || undefined, opcode);
      else if (opcode === 'RowData') for (const tree of trees) this.#readAll(tree);
      else if (opcode === 'RowCell') for (const tree of opened.at(i, p2).trees) this.#readAll(tree);
      else if (opcode === 'Insert' || opcode === 'Delete' || opcode === 'IdxInsert') {
        for (const tree of trees) this.#write(tree, opcode, p5);
      } else if (opcode === 'Clear') this.#clear(p1, p2);
      else if (opcode === 'VUpdate') this.writesVirtual = true;
      else if (opcode === 'VOpen') this.readsVirtual = true;
      else if (CALLS.has(opcode)) this.patterns ||= /^(?:like|glob)\(/i.test(p4);
      // A new instruction may read whatever is open.
      else if (!HARMLESS.has(opcode)) for (const tree of opened.all) this.#readAll(tree);
    }
  }

  #openCursors(program: readonly Instruction[]): OpenCursors {
    const cursors = new OpenCursors();
    for (const [i, { opcode, p1, p2, p3, p5 }] of program.entries()) {
      if (!OPENS.has(opcode) || p5 & ROOT_IN_REGISTER) continue;
      const tree = this.#schema.trees.get(treeId(p3, p2));
      if (tree === undefined) {
        this.unknown = true;
        this.#add({ action: 'read', table: undefined, everything: true });
        continue;
      }
      const writeOnly = opcode === 'OpenWrite';
      if (!writeOnly) this.#look(tree);
      cursors.add(p1, tree, writeOnly, i, closing(program, i, p1));
    }
    return cursors;
  }

  #look(tree: Tree): void {
    if (tree.owner !== undefined) this.#readAll(tree);
    else this.#add({ action: 'read', table: tree.table, needs: tree.needs });
  }

  /** The order in which the records come tells of the values by which they are sorted, and so does what is left out. */
  #walk(tree: Tree): void {
    if (tree.owner !== undefined) this.#readAll(tree);
    for (const column of tree.sortedBy) this.#read(tree, column);
    if (tree.rowidIsColumn) this.#imply(tree, tree.rowid as string);
  }

  /** Of an index that holds not every row, being in it tells of what its WHERE is about. */
  #choose(tree: Tree): void {
    if (tree.special) this.#walk(tree);
  }

  /** An INSERT tells whether a row with that key exists already. */
  #lookForConflict(tree: Tree, { opcode, p4 }: Instruction): void {
    if (opcode === 'NotExists') {
      if (tree.rowidIsColumn) this.#imply(tree, tree.rowid as string);
      return;
    }
    const compared = tree.columns.slice(0, Number(p4) || undefined);
    const columns = tree.special ? [...compared, ...tree.sortedBy] : compared;
    for (const column of columns) if (column !== undefined) this.#imply(tree, column);
  }

  #readColumn(tree: Tree, position: number): void {
    const column = tree.columns[position];
    if (column === undefined) this.#readAll(tree);
    else this.#read(tree, column);
  }

  #readRowid(tree: Tree): void {
    this.#read(tree, tree.rowid);
  }

  /** Without a number a whole record is compared. */
  #compare(tree: Tree, count: number | undefined, opcode: string): void {
    if (!tree.index && tree.columns.length > 0 && opcode.startsWith('Seek') && count === undefined) {
      this.#readRowid(tree);
      return;
    }
    for (let i = 0; i < (count ?? tree.columns.length); i++) this.#readColumn(tree, i);
  }

  #read(tree: Tree, column: string | undefined): void {
    const { table, owner, madeOf, needs } = tree;
    if (owner !== undefined) {
      this.#readAll(tree);
      return;
    }
    this.#add({ action: 'read', table, column, needs });
    for (const source of madeOf.get(column ?? '') ?? [])
      this.#add({ action: 'read', table, column: source, needs });
  }

  #imply({ table, madeOf }: Tree, column: string): void {
    for (const one of madeOf.get(column) ?? [column]) {
      this.#add({ action: 'read', table, column: one, implied: true });
    }
  }

  #readAll({ table, owner, needs }: Tree): void {
    this.#add({ action: 'read', table, everything: true, needs });
    if (owner !== undefined) this.#add({ action: 'read', table: owner, everything: true, needs });
  }

  #write({ table, index, owner, needs }: Tree, opcode: string, flags: number): void {
    if (index) return;
    // Whoever writes a shadow table writes what the other shows.
    if (owner !== undefined) this.#add({ action: 'update', table: owner, needs });
    const update = (flags & IS_UPDATE) !== 0;
    // In a table without rowid an UPDATE inserts like an INSERT, and may delete like a DELETE.
    if (opcode === 'IdxInsert')
      for (const action of ['insert', 'update'] as const) this.#add({ action, table, needs });
    else if (update) this.#add({ action: 'update', table, needs });
    else this.#add({ action: opcode === 'Insert' ? 'insert' : 'delete', table, needs });
  }

  #clear(root: number, database: number): void {
    const tree = this.#schema.trees.get(treeId(database, root));
    if (tree?.index !== true) this.#add({ action: 'delete', table: tree?.table, needs: tree?.needs });
  }

  #add(access: StatementAccess): void {
    const { action, table = '', column = '', everything = false, implied = false } = access;
    this.#found.set(JSON.stringify([action, table, column, everything, implied]), access);
  }
}
