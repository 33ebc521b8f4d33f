import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/**
 * The binding (libsql 0.5.29) has no call that frees a statement: a connection keeps its file descriptors after
 * `close()` until the garbage collector has found every statement that was prepared on it. Native memory and
 * descriptors put no pressure on the collector, so a process that opens and closes many databases would run out of
 * descriptors first. Closed connections are counted, and at every
 * {@link TOO_MANY} of them the collector is run.
 */
const TOO_MANY = 16;

let closed = 0;
let collecting: Promise<void> | undefined;

/**
 * Notes that a connection was closed. Resolves when its descriptors were given a chance to be freed. Connections that are
 * closed in one turn of the event loop share a collection, which takes the longer the more of them there are.
 */
export async function noteClosed(): Promise<void> {
  closed++;
  if (closed < TOO_MANY) return;
  collecting ??= collectInNextTurn();
  await collecting;
}

async function collectInNextTurn(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
  closed = 0;
  collecting = undefined;
  await collectNow();
}

/** Collects now. Resolves when the binding has freed what was found, which it does in a task of its own. */
export async function collectNow(): Promise<void> {
  collectGarbage();
  for (let turn = 0; turn < 2; turn++) await new Promise((resolve) => setImmediate(resolve));
}

let collector: (() => void) | undefined;

function collectGarbage(): void {
  if (collector === undefined) {
    setFlagsFromString('--expose-gc');
    collector = runInNewContext('gc') as () => void;
  }
  collector();
}
