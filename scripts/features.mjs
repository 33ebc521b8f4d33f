// Writes docs/features.md, the list of features and of the databases that have them, from the report of a test run.
//
//   node scripts/features.mjs <report>           writes the list
//   node scripts/features.mjs <report> --check   fails when it is not as it would be written
//
// The report is vitest's (`--reporter=json`). A feature is a test of test/conformance/cases/features/, whose title begins
// with its id; a database lacks it where the test is that it is a capability error. A feature must be the same through
// every builder, and every one of its tests must have passed.
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const FILE = fileURLToPath(new URL('../docs/features.md', import.meta.url));
const MISSING = / \(missing: (?:a capability error|the key has no effect)\)$/;
const FEATURE = /^[A-Z]{1,2}-\d+/;

/** The sections of the list, by the folder of their tests. */
const SECTIONS = ['statements', 'pragmas', 'files', 'hooks', 'search', 'sync', 'errors'];

/**
 * @typedef {object} Feature
 * @property {string} section
 * @property {Map<string, boolean>} databases which have it
 */

/**
 * @param {string} report
 * @returns {{ features: Map<string, Feature>, databases: string[], builders: Set<string>, problems: string[] }}
 */
function readFeatures(report) {
  /** @type {Map<string, Feature>} */
  const features = new Map();
  /** @type {Set<string>} */
  const databases = new Set();
  /** @type {Set<string>} */
  const builders = new Set();
  /** @type {string[]} */
  const problems = [];
  for (const file of JSON.parse(readFileSync(report, 'utf8')).testResults) {
    for (const { ancestorTitles, title, status } of file.assertionResults) {
      const [scene = '', theme, section] = ancestorTitles;
      if (theme !== 'features' || !FEATURE.test(title)) continue;
      const [database = '', builder = ''] = scene.split(', ');
      const name = title.replace(MISSING, '');
      const has = !MISSING.test(title);
      if (status !== 'passed') problems.push(`${scene}: "${name}" has ${status}`);
      const feature = features.get(name) ?? { section, databases: new Map() };
      if ((feature.databases.get(database) ?? has) !== has) problems.push(`"${name}" depends on the builder`);
      feature.databases.set(database, has);
      features.set(name, feature);
      databases.add(database);
      builders.add(builder);
    }
  }
  return { features, databases: [...databases], builders, problems };
}

/**
 * @param {ReturnType<typeof readFeatures>} found
 * @returns {string}
 */
function toMarkdown({ features, databases, builders }) {
  const lines = [
    '# Features and databases',
    '',
    'Written by `scripts/features.mjs` from the report of the tests: each line is a test that has passed on every database',
    `and through ${[...builders].toSorted().join(', ')}. The ids are those of the inventory of the model systems. Where a`,
    'database lacks a feature (–), the test is that using it is a capability error; where nothing stands it can not be asked for.',
  ];
  for (const section of SECTIONS) {
    lines.push('', `## ${section.charAt(0).toUpperCase()}${section.slice(1)}`, '');
    lines.push(`| | ${databases.join(' | ')} |`, `|---|${databases.map(() => ':-:|').join('')}`);
    for (const [name, feature] of features) {
      if (feature.section !== section) continue;
      const cells = databases.map(
        (database) => ({ true: '✓', false: '–' })[String(feature.databases.get(database))] ?? '',
      );
      lines.push(`| ${name.replace(/ \((?:#\d+(?:, )?)+\)/, '')} | ${cells.join(' | ')} |`);
    }
  }
  return `${lines.join('\n')}\n`;
}

const [report = '', option] = process.argv.slice(2);
const found = readFeatures(report);
for (const problem of found.problems) console.error(problem);
if (found.features.size === 0) console.error('the report has no features');
const text = toMarkdown(found);
if (option !== '--check') writeFileSync(FILE, text);
else if (readFileSync(FILE, 'utf8') !== text) {
  console.error(
    'docs/features.md is not what the tests say; write it with: node scripts/features.mjs <report>',
  );
  process.exitCode = 1;
}
if (found.problems.length > 0 || found.features.size === 0) process.exitCode = 1;
