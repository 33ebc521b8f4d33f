import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';

const root = import.meta.dirname;

/** How many edge cases the tests and sources of the model systems pin. */
const EDGE_CASES = 86;

/** Those that no test here is about, and why. */
const EDGES_NOT_APPLICABLE: Readonly<Record<number, string>> = {
  33: 'comparing dates as text needs one format, which is the choice of a schema: a column kind writes only one',
  34: 'neither builder has a column type for arrays; a JSON column holds them',
  43: 'SQLite takes ON CONFLICT DO UPDATE without a target since 3.35, so there is nothing to refuse',
  49: 'names of savepoints are made here, and those that Kysely is given are quoted, so none has to be refused',
  62: 'about the error texts of the Turso engine, which this version does not open',
  64: 'a token without a URL, or a URL without a token, is a config as good as any: servers without tokens exist',
  65: 'there is no such flag: a file is a replica when it has a syncUrl, and afterWrite says when it is synced',
  76: 'generated columns are written by the builders, whose types refuse the combinations',
};

/** The features of the model systems below the query builder: how many there are of each kind. */
const FEATURES: Readonly<Record<string, number>> = {
  ...{ ST: 8, ME: 6, PR: 11, BU: 4, VE: 9, RT: 2, FT: 1, EN: 4, SY: 10, HK: 2, EX: 3, ER: 11 },
};

/** Those that no test here is about, and why. */
const FEATURES_NOT_APPLICABLE: Readonly<Record<string, string>> = {
  'ME-6': 'says that the other systems have no metadata',
  'BU-4': 'says that a system has no busy timeout',
  'EN-4': 'says that the other systems have no encryption',
  'SY-9': 'lists what is not exposed',
  'SY-10': 'compares APIs of drivers',
  'EX-3': 'says that the other systems have no extensions',
  'ER-1': 'a struct without codes, whose place the error tree takes',
  'ER-5': 'prefixes of messages, which nobody should have to parse',
  'ER-9': 'expressions that take messages of the Turso engine apart',
  'ER-10': 'one error for everything',
};

/** The texts of all tests. */
function sources(folder: string): string[] {
  return readdirSync(path.join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts'))
    .map((file) => readFileSync(path.join(root, folder, file), 'utf8'));
}

/** The numbers in titles: `… (#12, #13)`. */
function edgeCasesTested(): Set<number> {
  const lists = sources('.').flatMap((text) => text.match(/\((?:#\d+(?:, )?)+\)/g) ?? []);
  return new Set(lists.flatMap((list) => list.match(/\d+/g) ?? []).map(Number));
}

/** The ids in titles: `ST-1 …`, `ME-1 to ME-3 …`. */
function featuresTested(): Set<string> {
  const tested = new Set<string>();
  for (const text of sources('conformance/cases/features')) {
    for (const [id] of text.matchAll(/\b[A-Z]{2}-\d+\b/g)) tested.add(id);
    for (const [, kind, from, to] of text.matchAll(/\b([A-Z]{2})-(\d+) to \1-(\d+)\b/g)) {
      for (let number = Number(from); number <= Number(to); number++) tested.add(`${kind}-${number}`);
    }
  }
  return tested;
}

function upTo(count: number): number[] {
  return Array.from({ length: count }, (_, i) => i + 1);
}

describe('the inventory of the model systems', () => {
  it('has every edge case in the title of a test, or the reason why it does not apply', () => {
    const tested = edgeCasesTested();
    const excused = (number: number): boolean => EDGES_NOT_APPLICABLE[number] !== undefined;
    expect(upTo(EDGE_CASES).filter((number) => tested.has(number) === excused(number))).toEqual([]);
  });

  it('has every feature in the title of a conformance test, or the reason why it does not apply', () => {
    const tested = featuresTested();
    const ids = Object.entries(FEATURES).flatMap(([kind, count]) =>
      upTo(count).map((number) => `${kind}-${number}`),
    );
    const excused = (id: string): boolean => FEATURES_NOT_APPLICABLE[id] !== undefined;
    expect(ids.filter((id) => tested.has(id) === excused(id))).toEqual([]);
  });
});
