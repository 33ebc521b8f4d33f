// Prints "N passed, N failed" from vitest's JSON report; the exit status tells whether the run is acceptable.
//
//   node scripts/summarize-tests.mjs <report> <exit status of vitest>
//
// A file that fails without a failed test (it could not be loaded, or a hook failed) counts as one failure.
// So does a run that failed outside of every test, and a run that left no report. A skipped test or a todo
// is not a failure to count, but it makes the run unacceptable: a test that does not run proves nothing.
import { readFileSync } from 'node:fs';

/**
 * @typedef {object} Report
 * @property {boolean} success
 * @property {number} numPassedTests
 * @property {number} numFailedTests
 * @property {number} numPendingTests
 * @property {number} numTodoTests
 * @property {{ name: string, status: string, assertionResults: { status: string, fullName: string }[] }[]} testResults
 */

/**
 * @param {string} file
 * @returns {Report | undefined} undefined when the run left no report
 */
function readReport(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    return undefined;
  }
}

/**
 * @param {Report} report
 * @param {boolean} runFailed
 * @returns {number}
 */
function countFailures({ success, numFailedTests, testResults }, runFailed) {
  const broken = testResults.filter(
    (file) => file.status === 'failed' && file.assertionResults.every(({ status }) => status !== 'failed'),
  );
  return Math.max(numFailedTests + broken.length, success && !runFailed ? 0 : 1);
}

/**
 * @param {Report} report
 * @returns {string[]} the full names of the tests that did not run
 */
function findSkipped({ testResults }) {
  const tests = testResults.flatMap((file) => file.assertionResults);
  return tests
    .filter(({ status }) => status !== 'passed' && status !== 'failed')
    .map(({ fullName }) => fullName);
}

const [file = '', status] = process.argv.slice(2);
const report = readReport(file);
const passed = report?.numPassedTests ?? 0;
const failed = report ? countFailures(report, status !== '0') : 1;
const skipped = report ? findSkipped(report) : [];
const notRun = Math.max(skipped.length, report ? report.numPendingTests + report.numTodoTests : 0);

for (const name of skipped) console.log(`Not run: ${name}`);
if (notRun > 0) console.log(`${notRun} tests did not run: every test has to`);
if (failed > 0 || notRun > 0 || passed === 0) process.exitCode = 1;
console.log(`${passed} passed, ${failed} failed`);
