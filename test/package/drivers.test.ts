import { expect, it } from 'vitest';
import { startSqld } from '../support/sqld.js';
import { assertBuilt, root, runNode } from './support.js';

// Nothing but the package itself speaks to a server that a URL names.
const REFUSED = ['@libsql/client', '@libsql/hrana-client', 'libsql', 'promise-limit'];

const HOOKS = `
  export async function resolve(specifier, context, next) {
    const refused = ${JSON.stringify(REFUSED)};
    if (refused.some((name) => specifier === name || specifier.startsWith(name + '/'))) {
      throw new Error('the program asked for ' + specifier);
    }
    return next(specifier, context);
  }
`;

const program = (url: string): string => `
  import Module, { register } from 'node:module';
  register('data:text/javascript,' + encodeURIComponent(${JSON.stringify(HOOKS)}));
  const load = Module._load;
  Module._load = (request, ...rest) => {
    const refused = ${JSON.stringify(REFUSED)};
    if (refused.some((name) => request === name || request.startsWith(name + '/'))) {
      throw new Error('the program asked for ' + request);
    }
    return load(request, ...rest);
  };
  const { open } = await import('turso-dialect');
  const db = open(${JSON.stringify(url)});
  await db.execute('create table if not exists t (a)');
  await db.batch(['delete from t', { sql: 'insert into t values (?)', args: [1] }]);
  await db.transaction((tx) => tx.execute('insert into t values (:a)', { a: 2n }));
  const seen = [];
  for await (const { a } of db.stream('select a from t order by a')) seen.push(a);
  await db.close();
  console.log('RESULT ' + JSON.stringify(seen));
`;

it.each(['http', 'ws'] as const)('a %s URL loads no driver', async (protocol) => {
  assertBuilt();
  const sqld = await startSqld();
  const url = protocol === 'http' ? sqld.url : sqld.wsUrl;
  const { code, output } = await runNode(['--input-type=module', '-e', program(url)], root);
  expect(output).toContain('RESULT [1,2]');
  expect(code).toBe(0);
});
