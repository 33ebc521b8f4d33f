// Puts mistakes into src/, one at a time, and reports those that no test notices. See "Mutants" in CONTRIBUTING.md.
//
//   npm run mutants -- --map                     first: notes which test calls which function
//   npm run mutants -- --sample 150 --seed 1     150 mistakes all over src/
//   npm run mutants -- --folder src/sql --sample 50
//   npm run mutants -- --changed main            every mistake in the lines that differ from a commit
//   npm run mutants -- --place src/values.ts:30  every mistake in one line
//
//   --budget 60    seconds of tests that a mistake gets, by the map      --parallel 2    mistakes at a time
import { execFileSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { Copy } from './mutants/copy.mjs';
import { readTraces, testsFor } from './mutants/map.mjs';
import { mutantsOf } from './mutants/mutate.mjs';
import { changedLines, chunks, isNoted, shuffled, staleNotes, summary } from './mutants/choose.mjs';

/** @typedef {import('./mutants/mutate.mjs').Mutant} Mutant */

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    map: { type: 'boolean', default: false },
    sample: { type: 'string' },
    seed: { type: 'string', default: String(Date.now() % 20_000) },
    changed: { type: 'boolean', default: false },
    folder: { type: 'string', default: 'src' },
    place: { type: 'string', multiple: true, default: [] },
    budget: { type: 'string', default: '60' },
    parallel: { type: 'string', default: '2' },
  },
});
const root = fileURLToPath(new URL('..', import.meta.url));
const mapFile = path.join(root, 'node_modules/.cache/mutants/map.json');
/** @type {import('./mutants/choose.mjs').Note[]} */
const notes = JSON.parse(readFileSync(new URL('./mutants/equivalent.json', import.meta.url), 'utf8'));

if (values.map) await makeMap();
else process.exitCode = await tryMutants();

async function makeMap() {
  const copy = new Copy(root);
  const traces = mkdtempSync(path.join(tmpdir(), 'mutants-trace-'));
  try {
    if (!(await copy.build())) throw new Error('src/ does not compile');
    const report = path.join(traces, 'report.json');
    const env = { MUTANTS_TRACE: traces, MUTANTS_WORKERS: values.parallel };
    await copy.test(positionals, env, 7_200, ['--reporter=json', `--outputFile=${report}`]);
    const map = readTraces(traces, JSON.parse(readFileSync(report, 'utf8')), copy.folder);
    const before =
      existsSync(mapFile) && positionals.length > 0 ? readMap() : { seconds: {}, calls: {}, failing: [] };
    mkdirSync(path.dirname(mapFile), { recursive: true });
    const all = {
      seconds: { ...before.seconds, ...map.seconds },
      calls: { ...before.calls, ...map.calls },
      failing: [...new Set([...before.failing, ...map.failing])],
    };
    writeFileSync(mapFile, JSON.stringify(all));
    console.log(`${Object.keys(all.calls).length} test files in the map`);
    for (const name of all.failing) console.log(`left out, since it fails without a mistake: ${name}`);
  } finally {
    rmSync(traces, { recursive: true, force: true });
    copy.remove();
  }
}

/** @returns {import('./mutants/map.mjs').TestMap} */
function readMap() {
  if (!existsSync(mapFile))
    throw new Error('there is no map of the tests; make it with npm run mutants -- --map');
  return JSON.parse(readFileSync(mapFile, 'utf8'));
}

/** @returns {Promise<number>} the exit code: 1 when a mistake survives */
async function tryMutants() {
  const map = readMap();
  const waiting = chosen();
  const limit = Number(values.sample ?? (values.changed || values.place.length > 0 ? Infinity : 150));
  console.log(`seed ${values.seed}, ${waiting.length} possible mistakes`);
  /** @type {import('./mutants/choose.mjs').Verdict[]} */
  const verdicts = [];
  let underWay = 0;
  const work = async () => {
    const copy = new Copy(root);
    try {
      if (!(await copy.build())) throw new Error('src/ does not compile');
      for (;;) {
        if (verdicts.length + underWay >= limit) return;
        const mutant = waiting.shift();
        if (mutant === undefined) return;
        underWay++;
        const verdict = await tryMutant(copy, mutant, map);
        underWay--;
        if (verdict === undefined) continue;
        verdicts.push(verdict);
        const mark = verdict.noticedBy === undefined ? 'SURVIVED' : 'noticed ';
        const by = verdict.noticedBy ?? `${verdict.ran} of ${verdict.related} related test files ran`;
        console.log(`${verdicts.length} ${mark} ${mutant.file}:${mutant.line} ${mutant.kind} (${by})`);
        if (verdict.noticedBy === undefined) console.log(`    - ${mutant.was}\n    + ${mutant.is}`);
      }
    } finally {
      copy.remove();
    }
  };
  await Promise.all(Array.from({ length: Number(values.parallel) }, work));
  console.log(summary(verdicts));
  return verdicts.every(({ noticedBy }) => noticedBy !== undefined) ? 0 : 1;
}

/**
 * @param {Copy} copy
 * @param {Mutant} mutant
 * @param {import('./mutants/map.mjs').TestMap} map
 * @returns {Promise<import('./mutants/choose.mjs').Verdict | undefined>} undefined when it does not compile
 */
async function tryMutant(copy, mutant, map) {
  const source = copy.read(mutant.file);
  copy.write(mutant.file, source.slice(0, mutant.start) + mutant.text + source.slice(mutant.end));
  try {
    if (!(await copy.build())) return undefined;
    const tests = testsFor(mutant, map);
    let ran = 0;
    for (const files of chunks(tests, map.seconds, Number(values.budget))) {
      const expected = files.reduce((sum, file) => sum + 2 + (map.seconds[file] ?? 0), 0);
      const end = await copy.test(files, builderOf(mutant), 30 + 4 * expected, [
        '--bail=1',
        ...except(map.failing),
      ]);
      ran += files.length;
      if (end !== 'passed')
        return { mutant, noticedBy: `${end}: ${files.join(' ')}`, ran, related: tests.length };
    }
    return { mutant, noticedBy: undefined, ran, related: tests.length };
  } finally {
    copy.write(mutant.file, source);
  }
}

/** Options of vitest that leave tests out. @type {(names: readonly string[]) => string[]} */
function except(names) {
  if (names.length === 0) return [];
  const any = names.map((name) => name.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')).join('|');
  return [`--testNamePattern=^(?!(?:${any})$)`];
}

/** The conformance suite runs through the one builder that can notice it. */
function builderOf(/** @type {Mutant} */ mutant) {
  return { CONFORMANCE_BUILDERS: mutant.file.startsWith('src/dialect/kysely/') ? 'kysely' : 'drizzle' };
}

/** @returns {Mutant[]} those asked for, in an order that the seed decides */
function chosen() {
  const sources = readdirSync(path.join(root, 'src'), { recursive: true, encoding: 'utf8' })
    .map((file) => path.posix.join('src', ...file.split(path.sep)))
    .filter((file) => file.endsWith('.ts'))
    .toSorted();
  const all = sources.flatMap((file) => mutantsOf(file, readFileSync(path.join(root, file), 'utf8')));
  for (const { file, was } of staleNotes(notes, all))
    console.log(`equivalent.json: nothing fits ${file}: ${was}`);
  const folder = values.folder.replace(/\/$/, '');
  let wanted = all.filter(({ file }) => file === folder || file.startsWith(`${folder}/`));
  if (values.place.length > 0)
    wanted = wanted.filter(({ file, line }) => values.place.includes(`${file}:${line}`));
  if (values.changed) {
    const base = positionals[0] ?? 'main';
    const diff = execFileSync('git', ['diff', '-U0', base, '--', 'src'], { cwd: root, encoding: 'utf8' });
    const lines = changedLines(diff);
    wanted = wanted.filter(({ file, line }) => lines.has(`${file}:${line}`));
  }
  return shuffled(
    wanted.filter((mutant) => !isNoted(mutant, notes)),
    Number(values.seed),
  );
}
