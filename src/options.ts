import { ParameterError } from './errors.js';

/** What every call that can be stopped takes. */
export const ABORT_OPTIONS = ['signal', 'timeout'] as const;

/**
 * Refuses options that a call does not have. One that is ignored without a word, such as a misspelt `behavior`, would have
 * the call do something else than was meant.
 *
 * @param known - the names of its options; a name without a value asks for nothing
 * @throws {@link ParameterError} naming the option
 */
export function checkOptions(given: object | undefined, method: string, known: readonly string[]): void {
  if (given === undefined || given === null) return;
  if (typeof given !== 'object' || Array.isArray(given)) {
    throw new ParameterError(`${method} takes its options as an object, got ${typeof given}`);
  }
  for (const [key, value] of Object.entries(given)) {
    if (value === undefined || known.includes(key)) continue;
    const meant = known.find((name) => name.toLowerCase() === key.toLowerCase());
    const hint = meant === undefined ? `there are ${known.join(', ')}` : `did you mean "${meant}"?`;
    throw new ParameterError(`${method} has no option "${key}"; ${hint}`, key);
  }
}

/** @throws {@link ParameterError} when an option has none of its values */
export function checkChoice(given: unknown, name: string, values: readonly unknown[]): void {
  if (given === undefined || values.includes(given)) return;
  throw new ParameterError(
    `option "${name}" is ${values.map((value) => JSON.stringify(value)).join(' or ')}`,
    name,
  );
}
