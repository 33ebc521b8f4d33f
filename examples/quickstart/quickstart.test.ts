import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Libsql from 'libsql';
import { afterAll, expect, it } from 'vitest';

const folder = mkdtempSync(join(tmpdir(), 'turso-dialect-quickstart-'));

afterAll(() => rmSync(folder, { recursive: true, force: true }));

it('loads cities through a migration and finds what is in the file', { timeout: 120_000 }, () => {
  const path = join(folder, 'cities.db');
  const env = { ...process.env, QUICKSTART_CITIES: '5000', QUICKSTART_DATABASE: path };
  const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm';
  const printed = execFileSync(npm, ['run', '--silent', 'quickstart:run'], { env, encoding: 'utf8' });

  expect(printed).toContain('5000 cities');
  expect(printed).toContain('5000 cities before, 5000 after');
  expect(printed).toContain('Andorra la Vella (20430)');

  const outside = new Libsql(path);
  expect(outside.prepare('select count(*), min(typeof(latitude)) from cities').raw().get([])).toEqual([
    5000,
    'real',
  ]);
  expect(outside.prepare('select count(*) from __drizzle_migrations').raw().get([])).toEqual([1]);
  expect(outside.prepare('select sum(population) from countries').raw().get([])).toEqual(
    outside.prepare('select sum(population) from cities').raw().get([]),
  );
  outside.close();
});
