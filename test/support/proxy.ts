import { Worker } from 'node:worker_threads';
import { onTestFinished } from 'vitest';
import { bundleProgram } from './child.js';
import { type Proxy, TcpProxy } from './tcp-proxy.js';

export type { Proxy } from './tcp-proxy.js';

/** Starts a proxy, stopped when the test ends. */
export async function startProxy(target: number): Promise<Proxy> {
  const proxy = new TcpProxy(target);
  onTestFinished(() => proxy.refuse());
  await proxy.listen();
  return proxy;
}

/** A proxy that runs on while the event loop stands still: its methods are asked of another thread. */
export type ThreadProxy = Pick<Proxy, 'url' | 'port'> & {
  readonly [Method in MethodOf<Proxy>]: (...args: Parameters<Proxy[Method]>) => Promise<void>;
} & {
  /** Round trips since `reset()`. */
  roundTrips(): Promise<number>;
};

type MethodOf<T> = { [Key in keyof T]: T[Key] extends (...args: never[]) => unknown ? Key : never }[keyof T];

const METHODS: readonly MethodOf<Proxy>[] = [
  'reset',
  'fail',
  'respond',
  'delay',
  'rate',
  'heal',
  'cut',
  'refuse',
  'listen',
];

/** Starts a proxy in a thread of its own, stopped when the test ends, or by `atEnd`. */
export async function startThreadProxy(
  target: number,
  atEnd: (stop: () => Promise<void>) => void = onTestFinished,
): Promise<ThreadProxy> {
  const worker = new Worker(await bundleProgram('proxy-worker.ts'), { eval: true, workerData: target });
  atEnd(async () => {
    await worker.terminate();
  });
  let last = 0;
  const waiting = new Map<number, (answer: unknown) => void>();
  worker.on('message', ({ id, answer }: { id: number; answer: unknown }) => {
    waiting.get(id)?.(answer);
    waiting.delete(id);
  });
  const ask = async (method: string, args: readonly unknown[] = []): Promise<unknown> =>
    await new Promise((resolve) => {
      const id = ++last;
      waiting.set(id, resolve);
      // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread has none
      worker.postMessage({ id, method, args });
    });
  await ask('listen');
  const port = Number(await ask('port'));
  const methods = Object.fromEntries(METHODS.map((name) => [name, (...args: unknown[]) => ask(name, args)]));
  return {
    ...(methods as Pick<ThreadProxy, MethodOf<Proxy>>),
    port,
    url: `http://127.0.0.1:${port}`,
    roundTrips: async () => Number(await ask('roundTrips')),
  };
}
