/** Longest time in ms that the event loop may stand still where a call promises to keep it free. */
export const LONGEST_STALL = 100;

/** Runs a call and measures, with a timer, for how long the event loop stood still at most. */
export async function withStall<T>(
  call: () => Promise<T>,
): Promise<{ outcome: PromiseSettledResult<T>; stall: number; ticks: number }> {
  let last = performance.now();
  let stall = 0;
  let ticks = 0;
  const note = (): void => {
    const now = performance.now();
    stall = Math.max(stall, now - last);
    last = now;
    ticks++;
  };
  const timer = setInterval(note, 1);
  try {
    const [outcome] = await Promise.allSettled([call()]);
    note();
    return { outcome, stall, ticks };
  } finally {
    clearInterval(timer);
  }
}

/** A promise that is resolved from outside. */
export function gate(): { readonly opened: Promise<void>; open(): void } {
  let open!: () => void;
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { opened, open };
}

/** Waits a moment; for things under test that are themselves a wait. */
export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** Lets everything go on that only waits for its turn. */
export function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
