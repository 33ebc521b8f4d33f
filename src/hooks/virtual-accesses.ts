import type { AnalyzedStatement } from '../sql/statement.js';
import type { AccessAction, StatementAccess } from './access-rules.js';
import type { BytecodeAccess } from './bytecode.js';
import type { SchemaMap, VirtualTable } from './schema-map.js';
import { namesIn, topKIndexes } from './schema-texts.js';

const TOP_K = 'vector_top_k';

/** They show nothing but their arguments; what `vector_top_k` reads is found by its argument. */
const NO_DATA: ReadonlySet<string> = new Set(['json_each', 'json_tree', 'generate_series', TOP_K]);

/** They show what is in every table, or the statements of everybody. */
const SHOWS_ALL: ReadonlySet<string> = new Set(['sqlite_dbpage', 'dbstat', 'sqlite_stmt']);

/** Any table may be meant. */
const ANYTHING: StatementAccess = { action: 'read', table: undefined, everything: true };

/**
 * The bytecode does not name virtual tables, so all count that are named in the statement, in a view that it may show, or
 * in a trigger if it fires one, and the tables whose rows these show.
 */
export function virtualAccesses(
  { verb }: AnalyzedStatement,
  text: string,
  { readsVirtual, writesVirtual, programs }: BytecodeAccess,
  schema: SchemaMap,
): StatementAccess[] {
  if (!readsVirtual && !writesVirtual) return [];
  const texts = textsOf(text, programs, schema);
  const names = new Set(texts.flatMap((one) => [...namesIn(one)]));
  const tables = [...names].flatMap((name) => schema.virtual.get(name) ?? pragmaTable(name));
  if (tables.length === 0) return [ANYTHING];
  const accesses: StatementAccess[] = [];
  for (const table of tables) {
    if (readsVirtual) accesses.push(readOf(table));
    for (const action of writesVirtual ? writeActions(verb, programs) : []) {
      accesses.push({ action, table: table.name, needs: needsOf(table) });
    }
  }
  // Also what is written to an index of texts may read the table that has them.
  accesses.push(...contentAccesses(tables, schema));
  if (tables.some(({ module }) => module === TOP_K)) accesses.push(...vectorAccesses(texts, schema));
  return accesses;
}

/** The text, those of the triggers if one is fired, and those of the views that they name. */
function textsOf(text: string, programs: boolean, { triggers, views }: SchemaMap): string[] {
  const texts = new Set([text, ...(programs ? triggers : [])]);
  // What is added is iterated over as well, so views of views are found.
  for (const one of texts) {
    for (const name of namesIn(one)) for (const view of views.get(name) ?? []) texts.add(view);
  }
  return [...texts];
}

function pragmaTable(name: string): VirtualTable[] {
  return name.startsWith('pragma_') ? [{ name, module: name, sources: [] }] : [];
}

function readOf(table: VirtualTable): StatementAccess {
  return { action: 'read', table: table.name, everything: true, needs: needsOf(table) };
}

/** What the engine brings must be spelled by a rule, since it shows what is everybody's. */
function needsOf({ name, module }: VirtualTable): StatementAccess['needs'] {
  if (NO_DATA.has(module)) return undefined;
  return SHOWS_ALL.has(module) || name.toLowerCase() === module ? 'name' : 'pattern';
}

/** What the rows of virtual tables come from, through whatever that is made of. */
function contentAccesses(tables: readonly VirtualTable[], schema: SchemaMap): StatementAccess[] {
  const accesses: StatementAccess[] = [];
  const names = new Set(tables.flatMap(({ sources }) => sources));
  if (tables.some(({ module }) => SHOWS_ALL.has(module))) accesses.push({ ...ANYTHING, implied: true });
  for (const name of names) {
    const { table, owner } = schema.tables.get(name) ?? {};
    for (const one of [table, owner]) {
      if (one !== undefined) accesses.push({ action: 'read', table: one, everything: true });
    }
    for (const view of schema.views.get(name) ?? []) for (const one of namesIn(view)) names.add(one);
    for (const virtual of schema.virtual.get(name) ?? []) {
      accesses.push(readOf(virtual));
      for (const source of virtual.sources) names.add(source);
    }
  }
  return accesses;
}

/** A search in a vector index reads its columns and the rowid. */
function vectorAccesses(texts: readonly string[], { vectorIndexes }: SchemaMap): StatementAccess[] {
  const accesses: StatementAccess[] = [];
  for (const text of texts) {
    const named = topKIndexes(text)?.map((name) => vectorIndexes.get(name));
    for (const tree of named?.every((one) => one !== undefined) ? named : vectorIndexes.values()) {
      for (const column of [...tree.sortedBy, tree.rowid]) {
        accesses.push({ action: 'read', table: tree.table, column });
      }
    }
  }
  return accesses;
}

/** How a virtual table is written: as the statement says, unless a trigger may do it. */
function writeActions(verb: string, programs: boolean): readonly AccessAction[] {
  if (programs) return ['insert', 'update', 'delete'];
  return [verb === 'UPDATE' ? 'update' : verb === 'DELETE' ? 'delete' : 'insert'];
}
