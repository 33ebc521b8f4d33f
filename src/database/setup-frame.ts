import { asyncStorage } from '../runtime.js';
import { ConfigError } from '../errors.js';

/** A call of `onConnect` that has not ended. */
interface Frame {
  readonly owner: object;
  readonly outer: Frame | undefined;
  active: boolean;
}

const frames = asyncStorage<Frame>();
let running = 0;

/** Calls `onConnect` on behalf of the pool `owner`, so that {@link assertOutsideSetup} knows what it calls. */
export async function runSetupFrame(owner: object, setup: () => void | Promise<void>): Promise<void> {
  const frame: Frame = { owner, outer: frames.getStore(), active: true };
  running++;
  try {
    await frames.run(frame, setup);
  } finally {
    // What it has left behind, a timer for instance, may use the database.
    frame.active = false;
    // While it is on, every promise of the process costs more (Node 20).
    if (--running === 0) frames.disable();
  }
}

/**
 * Refuses a caller who would wait for the connection that it sets up.
 *
 * @throws {@link ConfigError} when it was called by the `onConnect` of the same pool
 */
export function assertOutsideSetup(owner: object): void {
  if (running === 0) return;
  for (let frame = frames.getStore(); frame !== undefined; frame = frame.outer) {
    if (!frame.active || frame.owner !== owner) continue;
    throw new ConfigError(
      'onConnect',
      'it used the handle whose connection it sets up, so the call could never go on; use script() of the connection that it is given',
    );
  }
}
