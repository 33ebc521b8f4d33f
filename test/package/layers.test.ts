import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { root, runNode, temporaryProject } from './support.js';

// A tree that keeps every rule. Each case below adds one file, or replaces one, that breaks one rule.
const TREE = {
  'index.ts': "export { Database } from './database/database.js';\nexport * from './errors.js';",
  'config.ts': "import './errors.js';",
  'errors.ts': 'export class DatabaseError extends Error {}',
  'values.ts': "import type { DatabaseError } from './errors.js';",
  'sql/lexer.ts': "import '../errors.js';",
  'database/database.ts':
    "import '../engine/registry.js';\nimport type { Connection } from '../engine/engine.js';\nexport class Database {}",
  'sync/manual.ts': "import '../database/database.js';",
  'engine/engine.ts': "import type { SqlValue } from '../values.js';",
  'engine/registry.ts': "import './engine.js';\nexport const load = () => import('./libsql/connection.js');",
  'engine/libsql/connection.ts':
    "import libsql from 'libsql/promise';\nimport '../engine.js';\nexport const remote = () => import('@libsql/client');",
  'vector/codec.ts': "import '../values.js';",
  'dialect/drizzle/index.ts':
    "import { sql } from 'drizzle-orm';\nimport '../../database/database.js';\nimport '../../vector/codec.js';",
  'dialect/kysely/index.ts': "import { sql } from 'kysely';\nimport '../../database/database.js';",
};

const VIOLATIONS: [rule: string, file: string, text: string, line: number, message: string][] = [
  [
    'a dialect that imports an engine',
    'dialect/drizzle/a.ts',
    "\nimport '../../engine/libsql/connection.js';",
    2,
    "must not import 'engine/libsql/connection.ts'",
  ],
  [
    'a dialect that imports the contract',
    'dialect/drizzle/a.ts',
    "import type { Connection } from '../../engine/engine.js';",
    1,
    "must not import 'engine/engine.ts'",
  ],
  [
    'a dialect that imports the other dialect',
    'dialect/kysely/a.ts',
    "export { x } from '../drizzle/index.js';",
    1,
    "must not import 'dialect/drizzle/index.ts'",
  ],
  [
    'a dialect that imports a driver',
    'dialect/kysely/a.ts',
    "\n\nconst c = await import('@libsql/client');",
    3,
    'only src/engine/ may import it',
  ],
  [
    'a dialect that names a driver type',
    'dialect/drizzle/a.ts',
    "export type C = import('@libsql/client').Client;",
    1,
    'only src/engine/ may import it',
  ],
  [
    'a database that imports a driver',
    'database/a.ts',
    "import type { Database } from 'libsql';",
    1,
    "'libsql' is a driver package",
  ],
  [
    'a database that imports the Turso driver',
    'hooks/a.ts',
    "import '@tursodatabase/sync';",
    1,
    'is a driver package',
  ],
  [
    'a driver loaded by require()',
    'database/a.ts',
    "const driver = require('libsql');",
    1,
    'is a driver package',
  ],
  [
    'a driver loaded by createRequire()',
    'database/a.ts',
    "import { createRequire } from 'node:module';\ncreateRequire(import.meta.url)('libsql');",
    2,
    'is a driver package',
  ],
  [
    'a driver loaded by an import assignment',
    'database/a.ts',
    "import driver = require('libsql');",
    1,
    'is a driver package',
  ],
  [
    'a database that imports an engine room',
    'database/a.ts',
    "import '../engine/libsql/connection.js';",
    1,
    "must not import 'engine/libsql/connection.ts'",
  ],
  [
    'a database that loads an engine room lazily',
    'database/a.ts',
    "await import('../engine/libsql/connection.js');",
    1,
    "must not import 'engine/libsql/connection.ts'",
  ],
  [
    'a database that imports a dialect',
    'sync/a.ts',
    "import '../dialect/drizzle/index.js';",
    1,
    "must not import 'dialect/drizzle/index.ts'",
  ],
  [
    'an engine that imports the database',
    'engine/a.ts',
    "import type { Database } from '../database/database.js';",
    1,
    "must not import 'database/database.ts'",
  ],
  [
    'an engine that imports a dialect',
    'engine/a.ts',
    "export * from '../dialect/kysely/index.js';",
    1,
    "must not import 'dialect/kysely/index.ts'",
  ],
  [
    'a registry that loads an engine at once',
    'engine/registry.ts',
    "import { x } from './libsql/connection.js';",
    1,
    'must load',
  ],
  [
    'a database that asks for the kind of its target',
    'database/a.ts',
    'export const a = (config) => config.target.kind;',
    1,
    'asks for the kind of the database',
  ],
  [
    'a dialect that takes the kind out of a target',
    'dialect/kysely/a.ts',
    'export const a = (config) => { const { kind } = config.target; return kind; };',
    1,
    'asks for the kind of the database',
  ],
  [
    'an engine that takes the kind out of a config',
    'engine/a.ts',
    'export const a = ({ target: { kind } }) => kind;',
    1,
    'asks for the kind of the database',
  ],
  [
    'a leaf that imports a layer',
    'values.ts',
    "import type { Connection } from './engine/engine.js';",
    1,
    "must not import 'engine/engine.ts'",
  ],
  [
    'a lexer that imports the database',
    'sql/a.ts',
    "import '../database/database.js';",
    1,
    "must not import 'database/database.ts'",
  ],
  [
    'a library that imports an engine',
    'vector/a.ts',
    "import '../engine/engine.js';",
    1,
    "must not import 'engine/engine.ts'",
  ],
  [
    'a library that knows a builder',
    'vector/a.ts',
    "import { sql } from 'drizzle-orm';",
    1,
    'is a Drizzle package',
  ],
  [
    'a database that knows a builder',
    'database/a.ts',
    "import { sql } from 'kysely';",
    1,
    'is a Kysely package',
  ],
  [
    'a root entry that imports a dialect',
    'index.ts',
    "export { drizzle } from './dialect/drizzle/index.js';",
    1,
    "must not import 'dialect/drizzle/index.ts'",
  ],
  ['a file in no layer', 'utils.ts', 'export {};', 1, 'belongs to no layer'],
  [
    'an import of no file',
    'database/a.ts',
    "import './missing.js';",
    1,
    "'./missing.js' is not a file of src/",
  ],
  [
    'an import of a name that is computed',
    'database/a.ts',
    'const name = "x";\nawait import(name);',
    2,
    'must name its file or package literally',
  ],
  [
    'an import of the package by its name',
    'dialect/drizzle/a.ts',
    "import { open } from 'turso-dialect';",
    1,
    'is this package',
  ],
  ['a file that does not parse', 'database/a.ts', 'import {', 1, ''],
];

describe('the layer check', () => {
  it('passes on this source', async () => {
    expect(await checkLayers(path.join(root, 'src'))).toMatchObject({ code: 0, output: '' });
  });

  it('passes on a tree that keeps every rule', async () => {
    expect(await checkLayers(temporaryProject(TREE))).toMatchObject({ code: 0, output: '' });
  });

  it.each(VIOLATIONS)('fails on %s', async (_rule, file, text, line, message) => {
    const { code, output } = await checkLayers(temporaryProject({ ...TREE, [file]: text }));
    expect(code).toBe(1);
    expect(output).toContain(`${file}:${line}: `);
    expect(output).toContain(message);
    expect(output.trim().split('\n')).toHaveLength(1);
  });

  it('passes over imports in comments and strings', async () => {
    const text = "// import 'libsql';\nconst text = `import 'libsql'`;";
    expect(await checkLayers(temporaryProject({ ...TREE, 'database/a.ts': text }))).toMatchObject({
      code: 0,
      output: '',
    });
  });
});

function checkLayers(src: string) {
  return runNode([path.join(root, 'scripts/check-layers.mjs'), '--src', src]);
}
