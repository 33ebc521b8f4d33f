// Checks the size budget of the built package.
//
//   node scripts/check-size.mjs [--root <folder>]
//
// An entry is measured as the dist files that it reaches by relative imports, loaded at once or lazily,
// without comments and white space (they are documentation, and a bundler drops them), gzipped together.
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
// dependencies of 48 kB that were not counted here. The interface of `@libsql/client` is 3 of them in its own entry, and 35 kB of
// the package unpacked, since every member of it is documented there. What watches and cuts the log of a file is 2 of them, and 14 kB
// of the package unpacked.
const ENTRY_LIMIT = 144_500;
const PACKAGE_LIMIT = 1_495_000;

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
  return [...measured, { name: 'package, unpacked', bytes: unpackedSize(root), limit: PACKAGE_LIMIT }];
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
  const { values } = parseArgs({ options: { root: { type: 'string' } } });
  const measurements = await measure(values.root ?? fileURLToPath(new URL('..', import.meta.url)));
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
