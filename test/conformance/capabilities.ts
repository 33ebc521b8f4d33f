import { expect, it } from 'vitest';
import { CapabilityError, type DatabaseError, type TransactionBehavior } from '../../src/index.js';
import { findDatabaseError } from '../../src/errors.js';
import type { Target } from './targets.js';

/** A capability that an engine may lack. What uses it without must fail with a `CapabilityError`, at the call. */
export type Capability = `behavior ${TransactionBehavior}`;

function has(target: Target, capability: Capability): boolean {
  const behavior = capability.slice('behavior '.length) as TransactionBehavior;
  return typeof target.features.behaviors[behavior] === 'string';
}

/**
 * A test of something that an engine may lack. On an engine that has it `test` is run; on another `use`, which calls
 * what is missing, must fail with a `CapabilityError`.
 */
export function itNeeding(
  target: Target,
  capability: Capability,
  title: string,
  { test, use }: { readonly test: () => Promise<void>; readonly use: () => Promise<unknown> },
): void {
  if (has(target, capability)) {
    it(title, test);
    return;
  }
  it(`${title} (${target.name} lacks ${capability}: a CapabilityError)`, async () => {
    expect(await failureOf(use())).toBeInstanceOf(CapabilityError);
  });
}

/** What the promise rejects with: our error, which a builder may have wrapped. */
export async function failureOf(promise: Promise<unknown>): Promise<DatabaseError> {
  const thrown = await promise.then(
    () => new Error('it did not fail'),
    (error: unknown) => error,
  );
  const error = findDatabaseError(thrown);
  if (error === undefined) throw thrown;
  return error;
}
