import { parentPort, workerData } from 'node:worker_threads';
import { TcpProxy } from '../tcp-proxy.js';

interface Question {
  readonly id: number;
  /** Name of a method, or of a property whose value is wanted. */
  readonly method: keyof TcpProxy;
  readonly args: readonly never[];
}

const proxy = new TcpProxy(Number(workerData));

parentPort?.on('message', ({ id, method, args }: Question) => {
  void answer(method, args).then((value) => {
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread has none
    parentPort?.postMessage({ id, answer: value });
  });
});

async function answer(name: keyof TcpProxy, args: readonly never[]): Promise<unknown> {
  const member: unknown = proxy[name];
  return typeof member === 'function' ? await (member.apply(proxy, args) as Promise<unknown>) : member;
}
