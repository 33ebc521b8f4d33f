import { later } from '../runtime.js';

/** How long calls may run one after another without giving way to the event loop, in ms. */
const SLICE = 8;

/** After so many light calls the clock is looked at; a look costs about 1 % of a point select. */
const LIGHT_CALLS = 4;
/** A call that takes less than this is light, in ms. */
const LIGHT = 0.25;

let counting = false;
let sliceEnd = 0;
let lastLook = 0;
/** After how many calls the clock is looked at now, and how many of them are left. */
let step = 1;
let left = 1;

/**
 * Whether timers, sockets and signals have waited long enough in this turn of the event loop. A call that is done at once
 * resolves in a microtask, so a loop of such calls lets nothing else run. To be asked after each.
 */
export function turnIsOver(): boolean {
  return --left <= 0 && look();
}

/** Resolves when everybody else had a turn. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => later(resolve));
}

function look(): boolean {
  const now = performance.now();
  if (counting) step = now - lastLook < LIGHT * step ? LIGHT_CALLS : 1;
  else {
    counting = true;
    sliceEnd = now + SLICE;
    later(beginTurn);
  }
  lastLook = now;
  left = step;
  return now > sliceEnd;
}

function beginTurn(): void {
  counting = false;
}
