// Checks the size budget of the built package.
//
//   node scripts/check-size.mjs [--root <folder>] [--files]
//
// An entry is measured as the dist files that it reaches by relative imports, loaded at once or lazily,
// without comments and white space (they are documentation, and a bundler drops them), gzipped together.
// An entry for the web is measured as a bundler for a browser or a Worker makes it of the whole entry, minified, without Drizzle's
// and Kysely's own code: what is loaded at once, and what a first statement over HTTP has loaded besides.
// `--files` prints the former by source file.
// The package is measured as npm unpacks it, comments and declarations included.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';

// Lazily loaded engines count, every one of them, though an application loads the one that its URL asks for.
// Pragmas, change events, restricted views, encryption and telemetry are a part of every entry since they are methods of
// its databases: they are 15 of these kB. What keeps a replica's file to one writer and its history whole (owner, relay,
// checks of frames) is 12 of them, loaded with a replica only. The protocol of servers is 13 of them, in the place of two
// dependencies of 48 kB that were not counted here. The interface of `@libsql/client` is 3 of them in its own entry and in that of
// Drizzle, whose `$client` has it, and 40 kB of the package unpacked, since every member of it is documented there. What watches
// and cuts the log of a file is 2 of them, and 14 kB of the package unpacked.
const ENTRY_LIMIT = 152_000;
const PACKAGE_LIMIT = 1_545_000;

/** Of the web entries: what is loaded at once; with the engine for servers; with everything that is loaded lazily. */
const WEB_LIMITS = {
  './web': { atOnce: 34_000, query: 53_000, all: 70_000 },
  './drizzle/web': { atOnce: 49_500, query: 69_000, all: 92_500 },
  './kysely/web': { atOnce: 50_500, query: 69_500, all: 85_000 },
};

/**
 * @typedef {object} Measurement
 * @property {string} name an entry (`turso-dialect/drizzle`) or `package, unpacked`
 * @property {number} bytes
 * @property {number} limit
 */

/**
 * Measures every entry of a built package, and the package itself.
 *
 * @param {string} root the package's folder
 * @returns {Promise<Measurement[]>}
 */
export async function measure(root) {
  const manifest = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8'));
  const entries = Object.entries(manifest.exports).filter(([, target]) => typeof target === 'object');
  const measured = await Promise.all(
    entries.map(async ([subpath, target]) => ({
      name: path.posix.join(manifest.name, subpath),
      bytes: await entrySize(path.join(root, target.default)),
      limit: ENTRY_LIMIT,
    })),
  );
  const web = await Promise.all(
    Object.entries(WEB_LIMITS).map(([subpath, limits]) => webSizes(root, subpath, limits)),
  );
  return [
    ...measured,
    ...web.flat(),
    { name: 'package, unpacked', bytes: unpackedSize(root), limit: PACKAGE_LIMIT },
  ];
}

/**
 * @param {string} entry
 * @returns {Promise<number>} gzipped bytes of the entry's own code
 */
async function entrySize(entry) {
  const { outputFiles } = await build({
    entryPoints: [entry],
    bundle: true,
    packages: 'external',
    platform: 'node',
    format: 'esm',
    minifyWhitespace: true,
    treeShaking: false,
    legalComments: 'none',
    write: false,
  });
  return gzipSync(Buffer.concat(outputFiles.map((file) => file.contents)), { level: 9 }).byteLength;
}

/**
 * Measures an entry for the web.
 *
 * @param {string} root the package's folder
 * @param {string} subpath
 * @param {typeof WEB_LIMITS['./web']} limits
 * @returns {Promise<Measurement[]>}
 */
async function webSizes(root, subpath, limits) {
  const manifest = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8'));
  const { outputs, contents, entry } = await bundleForWeb(path.join(root, manifest.exports[subpath].default));
  const engine = Object.keys(outputs).filter((file) =>
    outputs[file]?.entryPoint?.endsWith('engine/remote/engine.js'),
  );
  const sizes = {
    atOnce: reachedFrom(outputs, [entry]),
    query: reachedFrom(outputs, [entry, ...engine]),
    all: Object.keys(outputs),
  };
  const what = { atOnce: 'at once', query: 'with the engine', all: 'with all that is lazy' };
  return /** @type {(keyof typeof sizes)[]} */ (Object.keys(sizes)).map((key) => ({
    name: `${path.posix.join(manifest.name, subpath)}, ${what[key]}`,
    bytes: gzipSync(Buffer.concat(sizes[key].map((file) => contents.get(file) ?? new Uint8Array())), {
      level: 9,
    }).byteLength,
    limit: limits[key],
  }));
}

/** @param {string} entry */
async function bundleForWeb(entry) {
  const { outputFiles, metafile } = await build({
    entryPoints: [entry],
    bundle: true,
    splitting: true,
    minify: true,
    ...{ platform: 'browser', format: 'esm', target: 'es2022', legalComments: 'none' },
    external: ['drizzle-orm', 'kysely'],
    outdir: 'out',
    write: false,
    metafile: true,
  });
  const { outputs } = metafile;
  const contents = new Map(
    outputFiles.map((file) => [path.relative(process.cwd(), file.path), file.contents]),
  );
  const bundled = Object.keys(outputs).find(
    (file) =>
      outputs[file]?.entryPoint !== undefined &&
      path.resolve(outputs[file].entryPoint) === path.resolve(entry),
  );
  if (bundled === undefined) throw new Error(`${entry} was not bundled`);
  return { outputs, contents, entry: bundled };
}

/**
 * @param {import('esbuild').Metafile['outputs']} outputs
 * @param {string[]} from
 * @returns {string[]} the files that are loaded with the given ones
 */
function reachedFrom(outputs, from) {
  const reached = new Set(from);
  // What is added meanwhile is visited too.
  for (const file of reached) {
    for (const { path: imported, kind, external } of outputs[file]?.imports ?? []) {
      if (kind === 'import-statement' && external !== true) reached.add(imported);
    }
  }
  return [...reached];
}

/**
 * Prints what an entry for the web loads at once, by source file.
 *
 * @param {string} entry
 */
async function printFiles(entry) {
  const { outputs, entry: bundled } = await bundleForWeb(entry);
  /** @type {Map<string, number>} */
  const bytes = new Map();
  for (const file of reachedFrom(outputs, [bundled])) {
    for (const [input, { bytesInOutput }] of Object.entries(outputs[file]?.inputs ?? {})) {
      bytes.set(input, (bytes.get(input) ?? 0) + bytesInOutput);
      const folder = `${path.dirname(input)}/`;
      bytes.set(folder, (bytes.get(folder) ?? 0) + bytesInOutput);
    }
  }
  const rows = [...bytes].filter(([, size]) => size > 0).toSorted(([, one], [, other]) => other - one);
  for (const [input, size] of rows) console.log(`${String(size).padStart(7)} ${input}`);
}

/**
 * @param {string} root
 * @returns {number}
 */
function unpackedSize(root) {
  const output = execFileSync('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], {
    cwd: root,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
    shell: process.platform === 'win32',
  });
  return JSON.parse(output)[0].unpackedSize;
}

async function main() {
  const { values } = parseArgs({ options: { root: { type: 'string' }, files: { type: 'boolean' } } });
  const root = values.root ?? fileURLToPath(new URL('..', import.meta.url));
  if (values.files) return await printFiles(path.join(root, 'dist/dialect/drizzle/web.js'));
  const measurements = await measure(root);
  for (const { name, bytes, limit } of measurements) {
    const verdict = bytes > limit ? 'TOO LARGE' : 'ok';
    console.log(`${name}: ${kilobytes(bytes)} of ${kilobytes(limit)} ${verdict}`);
    if (bytes > limit) process.exitCode = 1;
  }
}

/**
 * @param {number} bytes
 * @returns {string}
 */
function kilobytes(bytes) {
  return `${(bytes / 1000).toFixed(1)} kB`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main();
