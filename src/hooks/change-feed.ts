import type { CommitListener, RowChange } from '../engine/engine.js';
import { warn } from '../runtime.js';

/** A row that was changed, told after the transaction that has changed it was committed. */
export type ChangeEvent = RowChange;

/** Ends what a listener was registered for. */
export type Unsubscribe = () => void;

type ChangeListener = (event: ChangeEvent) => void;

interface Subscription {
  /** Names in lower case, or all. */
  readonly tables: 'all' | ReadonlySet<string>;
  readonly listener: ChangeListener;
}

/**
 * Who wants to know what is committed through the connections of one database, and the order in which they are told. A
 * listener is called in a microtask after the commit, never inside the call that committed.
 */
export class ChangeFeed {
  readonly #changes = new Set<Subscription>();
  readonly #commits = new Set<() => void>();
  readonly #rollbacks = new Set<() => void>();
  readonly #changed: (listener: CommitListener | undefined) => void;

  /** @param changed - given to every connection, each time that somebody comes or goes */
  constructor(changed: (listener: CommitListener | undefined) => void) {
    this.#changed = changed;
  }

  onChange(tables: 'all' | readonly string[], listener: ChangeListener): Unsubscribe {
    const wanted = tables === 'all' ? tables : new Set(tables.map((table) => table.toLowerCase()));
    return this.#subscribe(this.#changes, { tables: wanted, listener });
  }

  // A function may be registered twice, and each registration ends on its own.

  onCommit(listener: () => void): Unsubscribe {
    return this.#subscribe(this.#commits, () => listener());
  }

  onRollback(listener: () => void): Unsubscribe {
    return this.#subscribe(this.#rollbacks, () => listener());
  }

  /** Forgets everybody. */
  close(): void {
    for (const set of [this.#changes, this.#commits, this.#rollbacks]) set.clear();
    this.#changed(undefined);
  }

  #subscribe<T>(set: Set<T>, entry: T): Unsubscribe {
    set.add(entry);
    this.#update();
    return () => {
      if (set.delete(entry)) this.#update();
    };
  }

  #update(): void {
    const nobody = this.#changes.size + this.#commits.size + this.#rollbacks.size === 0;
    this.#changed(nobody ? undefined : this.#listener());
  }

  #listener(): CommitListener {
    const subscriptions = [...this.#changes];
    const tables = subscriptions.some((one) => one.tables === 'all')
      ? 'all'
      : new Set(subscriptions.flatMap((one) => [...(one.tables as ReadonlySet<string>)]));
    return {
      tables,
      committed: (changes) => {
        if (this.#changes.size === 0 && this.#commits.size === 0) return;
        queueMicrotask(() => {
          for (const change of changes) this.#deliver(change);
          for (const listener of [...this.#commits]) call(listener);
        });
      },
      rolledBack: () => {
        if (this.#rollbacks.size === 0) return;
        queueMicrotask(() => {
          for (const listener of [...this.#rollbacks]) call(listener);
        });
      },
    };
  }

  #deliver(change: RowChange): void {
    const table = change.table.toLowerCase();
    for (const { tables, listener } of [...this.#changes]) {
      if (tables === 'all' || tables.has(table)) call(() => listener(change));
    }
  }
}

/** What a listener throws must neither fail the write nor end the process, nor be lost. */
function call(listener: () => unknown): void {
  try {
    const result = listener();
    if (result instanceof Promise) result.catch(warn);
  } catch (error) {
    warn(error);
  }
}
