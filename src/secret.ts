/** A value that is not shown where the object that holds it is printed, inspected or serialised. */
export class Secret<T> {
  readonly #value: T;

  constructor(value: T) {
    this.#value = value;
  }

  /** The value itself, for the driver and nobody else. */
  reveal(): T {
    return this.#value;
  }
}
