import { entityKind } from 'drizzle-orm';
import { Cache } from 'drizzle-orm/cache/core';

/** A cache of Drizzle for queries that ask for it. */
export class MapCache extends Cache {
  static override readonly [entityKind]: string = 'MapCache';
  readonly #kept = new Map<string, unknown[]>();

  override strategy(): 'explicit' {
    return 'explicit';
  }

  override async get(key: string): Promise<unknown[] | undefined> {
    return this.#kept.get(key);
  }

  override async put(key: string, response: unknown): Promise<void> {
    this.#kept.set(key, response as unknown[]);
  }

  override async onMutate(): Promise<void> {
    this.clear();
  }

  clear(): void {
    this.#kept.clear();
  }
}
