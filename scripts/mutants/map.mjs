// Which test files call which functions of src/, and how long they take: the map by which a mutant finds its tests.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

/**
 * @typedef {object} TestMap
 * @property {Record<string, number>} seconds by test file
 * @property {Record<string, string[]>} calls by test file: `src/file.ts:function`, the names as V8 has them
 * @property {string[]} failing full names of the tests that fail without a mistake; they are left out
 */

/** @typedef {{ name: string, startTime: number, endTime: number, assertionResults: { fullName: string, status: string }[] }} TestResult */

/** @typedef {{ url: string, functions: { functionName: string, ranges: { count: number }[] }[] }} Script */

/**
 * Reads what trace.mjs and Node.js wrote.
 *
 * @param {string} traces
 * @param {{ testResults: TestResult[] }} report of vitest
 * @param {string} root the folder in which the tests ran
 * @returns {TestMap}
 */
export function readTraces(traces, report, root) {
  /** @type {TestMap} */
  const map = { seconds: {}, calls: {}, failing: [] };
  for (const { name, startTime, endTime, assertionResults } of report.testResults) {
    const test = path.relative(root, name).replaceAll(path.sep, '/');
    const folder = path.join(traces, test.replaceAll('/', '~'));
    const failed = assertionResults.filter(({ status }) => status === 'failed');
    // A test that fails without a mistake notices nothing.
    map.failing.push(...failed.map(({ fullName }) => fullName));
    if (failed.length === assertionResults.length || !existsSync(folder)) continue;
    const called = new Set(readdirSync(folder).flatMap((file) => callsIn(path.join(folder, file), root)));
    map.seconds[test] = Math.max(0, endTime - startTime) / 1_000;
    map.calls[test] = [...called].toSorted();
  }
  return map;
}

/** @type {(file: string, root: string) => string[]} */
function callsIn(file, root) {
  /** @type {{ result: Script[] }} */
  let coverage;
  try {
    coverage = JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    return []; // The process was killed while it wrote.
  }
  return coverage.result.flatMap(({ url, functions }) => {
    const at = path
      .relative(root, url.replace(/^file:\/\//, '').replace(/[?#].*/, ''))
      .replaceAll(path.sep, '/');
    const source = /^(?:src|dist)\/(.*)\.[jt]s$/.exec(at)?.[1];
    if (source === undefined) return [];
    return functions
      .filter(({ ranges }) => (ranges[0]?.count ?? 0) > 0)
      .map(({ functionName }) => `src/${source}.ts:${functionName}`);
  });
}

/**
 * The test files that call the function in which a mutant stands, those first that are most likely to notice it soon.
 *
 * @param {import('./mutate.mjs').Mutant} mutant
 * @param {TestMap} map
 * @returns {string[]}
 */
export function testsFor(mutant, map) {
  const named = mutant.within.filter((name) => name !== '');
  const sets = Object.entries(map.calls).map(
    ([test, calls]) => /** @type {const} */ ([test, new Set(calls)]),
  );
  const calling = (/** @type {string} */ name) =>
    sets.filter(([, calls]) => calls.has(`${mutant.file}:${name}`)).map(([test]) => test);
  const running = (/** @type {string} */ start) =>
    sets.filter(([, calls]) => [...calls].some((call) => runs(call, start))).map(([test]) => test);
  const folder = `${path.dirname(mutant.file)}/`;
  // Code of the module itself, functions that V8 names otherwise, and programs that are killed before they say what they ran.
  const choices = [...named.map(calling), running(`${mutant.file}:`), running(folder)];
  const tests = choices.find((found) => found.length > 0) ?? [];
  const cost = (/** @type {string} */ test) => (1 + (map.seconds[test] ?? 0)) * distance(test, mutant.file);
  return tests.toSorted((a, b) => cost(a) - cost(b) || (a < b ? -1 : 1));
}

/** Whether a call is one of a function of a file or folder, not only its being loaded. */
function runs(/** @type {string} */ call, /** @type {string} */ start) {
  return call.startsWith(start) && !call.endsWith(':');
}

/** Small for a test of the same subject, then for one of the same folder. */
function distance(/** @type {string} */ test, /** @type {string} */ file) {
  const stem = path.basename(file, '.ts');
  if (path.basename(test).startsWith(stem)) return 0.1;
  // It has the most assertions.
  if (test.startsWith('test/conformance/')) return 0.1;
  return path.dirname(test).replace(/^test/, 'src') === path.dirname(file) ? 0.4 : 1;
}
