import type { TransactionBehavior } from '../../../src/index.js';

/** Where sequences run. */
export type Kind = 'memory' | 'file' | 'replica' | 'http' | 'ws';

/** How a call is stopped: after some ms, 0 for as soon as it has begun. */
export interface Stop {
  readonly by: 'signal' | 'timeout';
  readonly after: number;
}

/** What a transaction does, in order. */
export type Step =
  | { readonly do: 'insert' | 'batch' | 'read' | 'stream' }
  | { readonly do: 'pause'; readonly ms: number }
  /** A statement with a limit of its own. */
  | { readonly do: 'limited'; readonly stop: Stop }
  | { readonly do: 'nested'; readonly steps: readonly Step[]; readonly fails: boolean };

/** One call of a sequence. */
export type Call =
  | { readonly do: 'insert' | 'prepared' | 'batch' | 'independent' | 'refused'; readonly stop?: Stop }
  | { readonly do: 'script'; readonly form: 'plain' | 'atomic' | 'own transaction'; readonly stop?: Stop }
  | {
      readonly do: 'transaction';
      readonly behavior: TransactionBehavior;
      readonly steps: readonly Step[];
      readonly fails: boolean;
      readonly stop?: Stop;
    }
  | { readonly do: 'stream'; readonly take: number; readonly batchSize: number; readonly stop?: Stop }
  | { readonly do: 'read' | 'explain' | 'sync'; readonly stop?: Stop }
  | { readonly do: 'interrupt' | 'close' };

/** A call of one of the handles; the next call waits for it, or only for some turns of the event loop. */
export interface Planned {
  readonly handle: number;
  readonly call: Call;
  readonly awaited: boolean;
  readonly turns: number;
}

/** A sequence of calls; the same for the same seed. */
export interface Plan {
  readonly seed: number;
  readonly handles: number;
  readonly calls: readonly Planned[];
}

const MOST_CALLS = 24;
/** More rows than there are. */
const ALL = 1_000_000;

/** Numbers from 0 to 1 that are the same for the same seed (mulberry32). */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** Makes the sequence of a seed. */
export function planOf(kind: Kind, seed: number): Plan {
  const random = randomFrom(seed);
  const below = (limit: number): number => Math.floor(random() * limit);
  const pick = <T>(choices: readonly T[]): T => choices[below(choices.length)] as T;
  const chance = (share: number): boolean => random() < share;
  const stop = (): Stop => ({ by: pick(['signal', 'timeout'] as const), after: below(12) });
  const behaviors: TransactionBehavior[] = ['immediate', 'immediate', 'exclusive', 'read', 'deferred'];

  const step = (depth: number): Step => {
    const kinds = ['insert', 'insert', 'insert', 'batch', 'read', 'stream', 'pause', 'limited'] as const;
    if (depth < 2 && chance(0.25)) return { do: 'nested', steps: steps(depth + 1), fails: chance(0.4) };
    const chosen = pick(kinds);
    if (chosen === 'pause') return { do: 'pause', ms: below(4) };
    if (chosen === 'limited') return { do: 'limited', stop: { by: 'timeout', after: 1 + below(30) } };
    return { do: chosen };
  };
  const steps = (depth: number): Step[] => Array.from({ length: 1 + below(4) }, () => step(depth));

  const call = (): Call => {
    const stopped = chance(0.25) ? { stop: stop() } : {};
    const chosen = pick([
      ...(['insert', 'insert', 'prepared', 'batch', 'independent', 'refused', 'read', 'read'] as const),
      ...(['script', 'transaction', 'transaction', 'transaction', 'stream', 'stream'] as const),
      ...(['explain', 'interrupt', 'close', 'sync'] as const),
    ]);
    switch (chosen) {
      case 'script':
        return { do: chosen, form: pick(['plain', 'atomic', 'own transaction'] as const), ...stopped };
      case 'transaction':
        return { do: chosen, behavior: pick(behaviors), steps: steps(0), fails: chance(0.25), ...stopped };
      case 'stream':
        return { do: chosen, take: pick([0, 1, 3, ALL]), batchSize: 1 + below(20), ...stopped };
      case 'sync':
        return kind === 'replica' ? { do: 'sync' } : { do: 'read' };
      // What is in memory goes with its handle, and could not be looked at.
      case 'close':
        return kind === 'memory' ? { do: 'read' } : { do: 'close' };
      case 'interrupt':
        return { do: chosen };
      default:
        return { do: chosen, ...stopped };
    }
  };

  const handles = kind === 'memory' ? 1 : 1 + below(3);
  const calls = Array.from({ length: 6 + below(MOST_CALLS - 6) }, () => {
    const next = call();
    return { handle: below(handles), call: next, awaited: chance(0.4), turns: below(4) };
  });
  return { seed, handles, calls };
}
