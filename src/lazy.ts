/**
 * A module that a first statement on a server does not need. `local.ts` puts in place what the entries for Node.js load
 * at once; the entries for the web load it when it is first asked for.
 */
export class Lazy<T extends object> {
  readonly #load: () => Promise<T>;
  #module: T | undefined;

  constructor(load: () => Promise<T>) {
    this.#load = load;
  }

  /** The module, if it is there. */
  get loaded(): T | undefined {
    return this.#module;
  }

  /** Puts the module in place. */
  set(module: T): void {
    this.#module = module;
  }

  /** Loads the module. The promise is not shared: a Worker may not wait for what another request has begun. */
  async load(): Promise<T> {
    this.#module ??= await this.#load();
    return this.#module;
  }
}
