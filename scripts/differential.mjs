// Asks SQLite itself and every path of this package the same random statements, for as long as it is given.
//
//   npm run differential -- --minutes 30 --seed 1
//   npm run differential -- --minutes 5 --seed 1 --builder kysely --kysely 0.29
//
//   npm run differential -- --case 100017           the case that a difference was printed of
//   … --ignore lastInsertRowid      to see what is behind a fault that is known
//
// Prints each difference with its seed and the smallest list of statements that shows it, and the figures at the end.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { build } from 'esbuild';
import { startServer } from './server.mjs';
import { spawnTied } from './spawn-tied.mjs';

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '5' },
    seed: { type: 'string', default: String(Date.now() % 20_000) },
    builder: { type: 'string' },
    kysely: { type: 'string', default: '0.28' },
    patience: { type: 'string', default: '30' },
    shown: { type: 'string', default: '1' },
    case: { type: 'string' },
    ignore: { type: 'string', multiple: true, default: [] },
  },
});
const root = fileURLToPath(new URL('..', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'turso-dialect-differential-'));
/** @type {Awaited<ReturnType<typeof startServer>>[]} */
const servers = [];
try {
  for (const name of ['http', 'ws', 'primary']) servers.push(await startServer(join(folder, name)));
  const [http, ws, primary] = servers.map(({ url }) => url);
  const { outputFiles } = await build({
    entryPoints: [join(root, 'test/support/programs/differential.ts')],
    alias: { kysely: values.kysely === '0.29' ? 'kysely-029' : 'kysely' },
    ...{
      bundle: true,
      write: false,
      format: 'esm',
      platform: 'node',
      target: 'node20',
      packages: 'external',
    },
  });
  const given = {
    ...{ seed: Number(values.seed), minutes: Number(values.minutes), builder: values.builder },
    ...{
      folder,
      servers: { http, ws, primary },
      patience: Number(values.patience) * 1_000,
      shown: Number(values.shown),
      ...(values.case !== undefined && { only: Number(values.case) }),
      ignored: values.ignore,
    },
  };
  console.log(
    `${values.minutes} minutes, seed ${values.seed}, Kysely ${values.kysely}, Node ${process.version}`,
  );
  const child = spawnTied(process.execPath, ['--input-type=module', '-', JSON.stringify(given)], {
    cwd: root,
    stdio: ['pipe', 'inherit', 'inherit'],
  });
  child.stdin?.end(outputFiles[0]?.text);
  const [code, signal] = await new Promise((resolve) => child.once('exit', (...end) => resolve(end)));
  if (signal !== null)
    console.log(`${readFileSync(join(folder, 'under-way'), 'utf8')}: the process ended by ${signal}`);
  process.exitCode = code ?? 1;
} finally {
  await Promise.all(servers.map((server) => server.stop()));
  rmSync(folder, { recursive: true, force: true });
}
