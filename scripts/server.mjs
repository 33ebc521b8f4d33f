// Starts a libSQL server for what is no test: the benchmarks and the examples of the documentation.
import { createRequire } from 'node:module';
import { createServer } from 'node:net';
import { dirname, join } from 'node:path';
import { spawnTied } from './spawn-tied.mjs';

/**
 * Starts a server at a free port, and waits until it answers. It ends with this process at the latest.
 *
 * @param {string} folder where it keeps its data
 * @returns {Promise<{ url: string, pid: number, metrics: () => Promise<string>, stop: () => Promise<void> }>}
 *   `metrics`: what the server counts, in the text format of Prometheus
 */
export async function startServer(folder) {
  const [port, grpcPort, adminPort] = [await freePort(), await freePort(), await freePort()];
  const url = `http://127.0.0.1:${port}`;
  const child = spawnTied(
    binary(),
    [
      ...['--no-welcome', '--db-path', folder, '--http-listen-addr', `127.0.0.1:${port}`],
      ...['--grpc-listen-addr', `127.0.0.1:${grpcPort}`, '--admin-listen-addr', `127.0.0.1:${adminPort}`],
    ],
    { stdio: ['ignore', 'ignore', 'ignore'] },
  );
  const closed = new Promise((resolve) => child.once('close', resolve));
  while (!(await isHealthy(url))) {
    if (child.exitCode !== null) throw new Error(`sqld ended with ${child.exitCode}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  return {
    url,
    pid: /** @type {number} */ (child.pid),
    metrics: async () => (await fetch(`http://127.0.0.1:${adminPort}/metrics`)).text(),
    stop: async () => {
      child.kill('SIGKILL');
      await closed;
    },
  };
}

/** @returns {string} */
function binary() {
  const require = createRequire(createRequire(import.meta.url).resolve('sqld/package.json'));
  const manifest = require.resolve(`@sqld/${process.platform}-${process.arch}/package.json`);
  return join(dirname(manifest), 'sqld');
}

/**
 * @param {string} url
 * @returns {Promise<boolean>}
 */
async function isHealthy(url) {
  try {
    return (await fetch(`${url}/health`)).ok;
  } catch {
    return false;
  }
}

/** @returns {Promise<number>} */
async function freePort() {
  const server = createServer();
  await new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(undefined)));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}
