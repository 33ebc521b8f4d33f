import type { ParameterLayout } from './parameters.js';

/** The largest number that `?NNN` may have: SQLITE_LIMIT_VARIABLE_NUMBER of the engines. */
const LARGEST_NUMBER = 32_766;

const NO_PARAMETERS: ParameterLayout = Object.freeze({
  count: 0,
  names: Object.freeze([]),
  named: false,
  gaps: false,
});

/**
 * Collects the parameters of one statement in order of appearance.
 *
 * @example
 * ```ts
 * import { LayoutBuilder } from './layout-builder.js';
 *
 * const builder = new LayoutBuilder();
 * builder.add(':a', 0, 2);
 * builder.add('?', 0, 1);
 * builder.build().names; // [':a', null]
 * ```
 */
export class LayoutBuilder {
  readonly #names: (string | null | undefined)[] = [];
  #named: Set<string> | undefined;
  #invalid: string | undefined;
  #numbered = false;

  /** Adds the parameter that stands at `sql[start, end)`. */
  add(sql: string, start: number, end: number): void {
    if (end - start === 1) {
      this.#names.push(null);
    } else if (sql.charCodeAt(start) === 63 /* ? */) {
      this.#addNumbered(sql.slice(start, end));
    } else {
      this.#addNamed(sql.slice(start, end));
    }
  }

  /** The layout of what was added; layouts without parameters are one shared object. */
  build(): ParameterLayout {
    const invalid = this.#invalid;
    if (this.#names.length === 0 && invalid === undefined) return NO_PARAMETERS;
    const layout = {
      count: this.#names.length,
      names: this.#names,
      named: this.#named !== undefined,
      gaps: this.#numbered && this.#names.includes(undefined),
    };
    return invalid === undefined ? layout : { ...layout, invalid };
  }

  #addNamed(name: string): void {
    this.#named ??= new Set();
    if (this.#named.has(name)) return;
    this.#named.add(name);
    this.#names.push(name);
  }

  #addNumbered(text: string): void {
    // Number() reads a text of any length, so an absurd number becomes large or Infinity, never a wrap.
    const number = Number(text.slice(1));
    if (number < 1 || number > LARGEST_NUMBER) {
      this.#invalid ??= text;
      return;
    }
    this.#numbered = true;
    while (this.#names.length < number) this.#names.push(undefined);
    // A slot keeps its first name; `?, ?1` gives the first slot the name `?1`, as in SQLite.
    this.#names[number - 1] ??= `?${number}`;
  }
}
