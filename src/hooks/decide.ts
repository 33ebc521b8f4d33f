import { AccessError, BusyError, DatabaseError } from '../errors.js';
import type { LruCache } from '../lru-cache.js';
import { toExplainable } from '../sql/explainable.js';
import type { AnalyzedStatement } from '../sql/statement.js';
import type { SqlValue } from '../values.js';
import type { StatementAccess } from './access-rules.js';
import { accessesOf, type BytecodeAccess, type Instruction, toInstructions } from './bytecode.js';
import { functionAccesses } from './function-access.js';
import {
  type Answers,
  type Question,
  SCHEMA_QUESTIONS,
  type SchemaMap,
  type SchemaSource,
  toSchemaMap,
} from './schema-map.js';
import { virtualAccesses } from './virtual-accesses.js';

/** What the decisions on a view's statements leave for the next. */
export interface Memory {
  /** What a statement is refused for, by state of the schema and text; null where it may run. */
  readonly decisions: LruCache<string, StatementAccess | null>;
  schema: { readonly state: string; readonly map: SchemaMap } | undefined;
}

type Allows = (access: StatementAccess) => boolean;

const EXPLAIN = /^explain\s+(?:query\s+plan\s+)?/i;

/** How often a decision is begun again because the schema has changed meanwhile. */
const TRIES = 100;

/** {@link Authorizer.decide}, by what the rules allow. */
export async function decide(
  {
    statement,
    values,
    source,
  }: {
    readonly statement: AnalyzedStatement;
    readonly values: readonly SqlValue[] | undefined;
    readonly source: SchemaSource;
  },
  allows: Allows,
  memory: Memory,
): Promise<string> {
  const text = statement.verb === 'EXPLAIN' ? statement.text.replace(EXPLAIN, '') : statement.text;
  const explain = { sql: `EXPLAIN ${toExplainable(text)}`, values: values ?? nulls(statement) };
  let state: string | undefined;
  for (let tries = 0; tries < TRIES; tries++) {
    const known = memory.schema?.state === state && memory.schema?.map.knownByState === true;
    const questions = state === undefined ? [] : known ? [explain] : [explain, ...SCHEMA_QUESTIONS];
    const answers = await askAbout(statement, questions, source);
    const same = answers.state === state;
    state = answers.state;
    const key = `${state}\n${statement.text}`;
    let refused = memory.decisions.get(key);
    if (refused === undefined) {
      const [rows, ...schemaRows] = answers.rows ?? [];
      const instructions = rows && toInstructions(rows);
      if (instructions === undefined || (known && !same) || !isCompiledIn(state, instructions)) continue;
      const schema = known ? (memory.schema?.map as SchemaMap) : await toSchemaMap(schemaRows, source);
      memory.schema = { state, map: schema };
      const bytecode = accessesOf(instructions, schema);
      if (bytecode.unknown && known) {
        // What listens to changes makes temporary tables, of which the state says nothing.
        memory.schema = undefined;
        continue;
      }
      refused = firstRefused(statement, text, { instructions, bytecode, schema }, allows) ?? null;
      const lasts = schema.knownByState && !dependsOnValues(statement, bytecode, schema, allows);
      if (lasts) memory.decisions.set(key, refused);
    }
    if (refused !== null) throw new AccessError(refused, statement.text);
    return state;
  }
  throw schemaUnsteady(statement.text);
}

function firstRefused(
  statement: AnalyzedStatement,
  text: string,
  {
    instructions,
    bytecode,
    schema,
  }: {
    readonly instructions: readonly Instruction[];
    readonly bytecode: BytecodeAccess;
    readonly schema: SchemaMap;
  },
  allows: Allows,
): StatementAccess | undefined {
  const changesSchema = SCHEMA_VERBS.has(statement.verb);
  // What a change of the schema does to the tables of SQLite itself is meant by `schema`, and no rule must name others.
  const accesses = changesSchema
    ? bytecode.accesses
        .filter(({ action, table }) => action === 'read' && !/^sqlite_/i.test(table ?? 'sqlite_'))
        .map((access) => ({ ...access, needs: undefined }))
    : [...bytecode.accesses];
  if (changesSchema) accesses.unshift({ action: 'schema', table: undefined });
  const ownCounter = !mentionsCounter(text, bytecode, schema);
  accesses.push(...virtualAccesses(statement, text, bytecode, schema), ...functionAccesses(instructions));
  return accesses.find((access) => !(ownCounter && access.table === COUNTER) && !allows(access));
}

/**
 * Whether other values of the parameters could have an index used that may not be. SQLite looks at them for LIKE and
 * GLOB, and for indexes that have a WHERE or expressions.
 */
function dependsOnValues(
  { parameters }: AnalyzedStatement,
  { accesses, patterns }: BytecodeAccess,
  { trees }: SchemaMap,
  allows: Allows,
): boolean {
  if (parameters.count === 0) return false;
  const tables = new Set(accesses.map(({ table }) => table));
  return [...trees.values()].some(
    ({ index, special, table, sortedBy }) =>
      index &&
      (special || patterns) &&
      tables.has(table) &&
      sortedBy.some((column) => !allows({ action: 'read', table, column })),
  );
}

/** Whether the bytecode was made of the schemas whose versions are in a state; those of attached databases come last. */
function isCompiledIn(state: string, instructions: readonly Instruction[]): boolean {
  const [version, , , attached] = state.split(' ');
  const versions = [version, undefined, ...(attached?.split(',') ?? [])];
  return instructions.every(({ opcode, p1, p3 }) => {
    const expected = opcode === 'Transaction' ? versions[p1] : undefined;
    return expected === undefined || p3 === Number(expected);
  });
}

/** The schema changes faster than it can be asked for. */
export function schemaUnsteady(sql: string): BusyError {
  return new BusyError('the schema kept changing while the statement was checked against the rules', {
    ...{ code: 'SQLITE_BUSY', rawCode: 5, kind: 'busy', retryable: true, sql },
  });
}

/** A failure is that of the statement, which is the only one that can be at fault. */
async function askAbout(
  { text }: AnalyzedStatement,
  questions: readonly Question[],
  { ask }: SchemaSource,
): Promise<Answers> {
  try {
    return await ask(questions);
  } catch (error) {
    if (error instanceof DatabaseError) {
      error.sql = text;
      error.statementIndex = undefined;
    }
    throw error;
  }
}

function nulls({ parameters }: AnalyzedStatement): null[] {
  return new Array<null>(parameters.count).fill(null);
}

/** Where AUTOINCREMENT keeps its counters; an INSERT reads and writes them on its own. */
const COUNTER = 'sqlite_sequence';

function mentionsCounter(
  text: string,
  { programs }: BytecodeAccess,
  { triggers, views }: SchemaMap,
): boolean {
  const texts = [text, ...[...views.values()].flat(), ...(programs ? triggers : [])];
  return texts.some((one) => one.toLowerCase().includes(COUNTER));
}

const SCHEMA_VERBS: ReadonlySet<string> = new Set(['CREATE', 'DROP', 'ALTER', 'REINDEX', 'ANALYZE']);
