import { randomFrom } from '../support/random.js';

/** Choices that look random and are the same in every run with the same seed. */
export class Random {
  readonly #next: () => number;

  constructor(seed: number) {
    this.#next = randomFrom((Math.abs(Math.trunc(seed)) % 2_147_483_646) + 1);
    // Neighbouring seeds begin with neighbouring numbers.
    for (let i = 0; i < 8; i++) this.#next();
  }

  /** A whole number from 0 to `below` - 1. */
  int(below: number): number {
    return Math.floor(this.#next() * below) % below;
  }

  /** Whether something that happens with this probability happens. */
  chance(probability: number): boolean {
    return this.#next() < probability;
  }

  pick<T>(choices: readonly T[]): T {
    return choices[this.int(choices.length)] as T;
  }

  /** One of several, each as likely as its weight says. */
  weighted<T>(choices: readonly (readonly [weight: number, choice: T])[]): T {
    let left = this.#next() * choices.reduce((sum, [weight]) => sum + weight, 0);
    for (const [weight, choice] of choices) if ((left -= weight) < 0) return choice;
    return (choices.at(-1) as readonly [number, T])[1];
  }

  /** Some of several, at least one, in their order. */
  some<T>(choices: readonly T[]): T[] {
    const chosen = choices.filter(() => this.chance(0.6));
    return chosen.length > 0 ? chosen : [this.pick(choices)];
  }

  shuffled<T>(choices: readonly T[]): T[] {
    const left = [...choices];
    return Array.from({ length: left.length }, () => left.splice(this.int(left.length), 1)[0] as T);
  }

  list<T>(length: number, make: (index: number) => T): T[] {
    return Array.from({ length }, (_, index) => make(index));
  }
}

/** A number that depends on all of a text, to begin a {@link Random} with. */
export function seedOf(text: string): number {
  let hash = 2_166_136_261;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 16_777_619) >>> 0;
  return hash;
}
