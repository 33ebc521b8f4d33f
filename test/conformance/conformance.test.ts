import { describe } from 'vitest';
import { builders } from './builders.js';
import { crudCases } from './cases/crud.js';
import { edgeCases } from './cases/edge-cases.js';
import { featureCases } from './cases/features.js';
import { transactionCases } from './cases/transactions.js';
import { targets } from './targets.js';

/** Every case, on every engine, through every builder. */
for (const target of targets) {
  for (const builder of builders) {
    describe(`${target.name}, ${builder.name}`, () => {
      describe('rows and values', () => crudCases(target, builder));
      describe('edge cases', () => edgeCases(target, builder));
      describe('features', () => featureCases(target, builder));
      describe('transactions, batches and errors', () => transactionCases(target, builder));
    });
  }
}
