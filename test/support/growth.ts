import { readdirSync, readlinkSync } from 'node:fs';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

setFlagsFromString('--expose-gc');
/** Collects garbage at once. */
export const collectGarbage = runInNewContext('gc') as () => void;

/** What keeps a process alive, or leaks. */
export interface Resources {
  /** Timers, sockets and requests that keep the event loop alive, by kind. */
  readonly active: readonly string[];
  /** What every descriptor of the process leads to. */
  readonly descriptors: readonly string[];
  /** Listeners on `process`, by event. */
  readonly listeners: readonly string[];
}

/** What the process holds at this moment. */
export function resources(): Resources {
  return {
    active: process.getActiveResourcesInfo().toSorted(),
    descriptors: descriptors().toSorted(),
    listeners: process.eventNames().map((name) => `${String(name)} ${process.listenerCount(name)}`),
  };
}

/** What every descriptor of the process leads to. */
export function descriptors(): string[] {
  return readdirSync('/proc/self/fd').flatMap(targetOf);
}

function targetOf(descriptor: string): string[] {
  try {
    return [readlinkSync(`/proc/self/fd/${descriptor}`)];
  } catch {
    // The descriptor of the folder itself.
    return [];
  }
}

/**
 * Waits until the process holds no more than before.
 *
 * @param within - ms
 * @returns what is left then, in words
 */
export async function leftSince(before: Resources, within: number): Promise<string[]> {
  const end = Date.now() + within;
  for (;;) {
    // The binding frees descriptors when the collector finds a statement.
    collectGarbage();
    await new Promise((resolve) => setTimeout(resolve, 20));
    const left = surplus(before, resources());
    if (left.length === 0 || Date.now() >= end) return left;
  }
}

function surplus(before: Resources, now: Resources): string[] {
  const more = (a: readonly string[], b: readonly string[]): string[] => {
    const rest = [...a];
    return b.filter((one) => {
      const at = rest.indexOf(one);
      if (at >= 0) rest.splice(at, 1);
      return at < 0;
    });
  };
  return [
    ...more(before.active, now.active).map((one) => `active: ${one}`),
    // Sockets have a name that no other has.
    ...more(before.descriptors.map(kindOf), now.descriptors.map(kindOf)).map((one) => `descriptor: ${one}`),
    ...more(before.listeners, now.listeners).map((one) => `listeners: ${one}`),
  ];
}

function kindOf(target: string): string {
  return target.replace(/^(socket|pipe|anon_inode):.*/, '$1');
}
