import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { findMarked, waitForMarked } from '../../scripts/left-processes.mjs';
import { root, runNode } from '../package/support.js';
import { type Child, startProgram } from './child.js';
import { temporaryFile } from './database.js';

const ends: Readonly<Record<string, (child: Child) => void>> = {
  'is killed by SIGKILL': (child) => child.kill('SIGKILL'),
  'is ended by SIGTERM': (child) => child.kill('SIGTERM'),
  'calls process.exit()': (child) => child.send('exit'),
  'ends with an error': (child) => child.send('throw'),
};

describe('a process that started servers', () => {
  it.each(Object.keys(ends))('leaves none of them behind when it %s', async (end) => {
    const mark = randomUUID();
    const owner = await startProgram('server-owner.ts', path.dirname(temporaryFile()), mark);
    const urls = (await owner.message()) as string[];
    for (const url of urls) expect((await fetch(`${url}/health`)).status).toBe(200);
    const started = findMarked(`PROCESSES_TEST=${mark}`).map(({ command }) => command);
    // Each with the shell that waits for the end of its owner.
    expect(started.filter((command) => command.includes('--http-listen-addr'))).toHaveLength(4);
    expect(started.filter((command) => command.includes('sleep'))).toHaveLength(2);
    ends[end]?.(owner);
    await owner.ended;
    expect(await waitForMarked(`PROCESSES_TEST=${mark}`)).toEqual([]);
    for (const url of urls) await expect(fetch(`${url}/health`)).rejects.toThrow('fetch failed');
  });
});

describe('the check for processes that are left', () => {
  const check = (mark: string): ReturnType<typeof runNode> =>
    runNode([path.join(root, 'scripts/left-processes.mjs'), mark]);

  it('fails, names them and kills them', { timeout: 20_000 }, async () => {
    const mark = randomUUID();
    const left = spawn('sleep', ['1000'], { env: { ...process.env, PROCESSES_TEST: mark } });
    const ended = new Promise((resolve) => left.once('exit', (_code, signal) => resolve(signal)));
    const { code, output } = await check(`PROCESSES_TEST=${mark}`);
    expect(output).toBe(`left running: ${left.pid} sleep 1000\n`);
    expect(code).toBe(1);
    expect(await ended).toBe('SIGKILL');
  });

  it('passes when there are none', async () => {
    expect(await check(`PROCESSES_TEST=${randomUUID()}`)).toMatchObject({ code: 0, output: '' });
  });
});
