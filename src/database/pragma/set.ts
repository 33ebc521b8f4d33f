import { CapabilityError, TransactionError } from '../../errors.js';
import type { Executor } from '../executor.js';
import { askRows } from './ask.js';
import { isSettable, type PragmaDefinition } from './catalogue.js';
import { decodePragma, encodePragma } from './values.js';

/**
 * Sets a pragma and makes sure that it is set.
 *
 * @throws {@link ParameterError} when it can't have the value
 * @throws {@link CapabilityError} when it can't be set on this kind of database, or the database keeps another value
 * @throws {@link TransactionError} inside a transaction, where it would be ignored or outlast the transaction
 */
export async function setPragma(
  executor: Executor,
  definition: PragmaDefinition,
  value: unknown,
): Promise<void> {
  const { name, scope, settable } = definition;
  const encoded = encodePragma(definition, value);
  if (!isSettable(settable, executor.config.features)) {
    throw new CapabilityError('pragma', `PRAGMA ${name} can not be set on this kind of database`);
  }
  if (name === 'busy_timeout') {
    executor.context.authorizer?.checkPragma(name);
    executor.config.busyTimeout = Number(encoded);
    return;
  }
  if (scope === 'transaction' && executor.origin.transactionId === undefined) {
    throw new TransactionError(`PRAGMA ${name} is a setting of one transaction; set it inside it`, {
      code: 'TRANSACTION_CONTROL',
      kind: 'transaction',
    });
  }
  if (scope === 'transaction' || name === 'user_version' || name === 'application_id') {
    await executor.execute(`PRAGMA ${name} = ${encoded}`);
    return;
  }
  const { pragmas } = executor.config;
  const before = pragmas[name];
  await executor.setConnectionPragma(name, encoded);
  const { rows } = await askRows(executor, `PRAGMA ${name}`);
  const now = decodePragma(definition, rows[0]?.[0]);
  const wanted = decodePragma(definition, encoded);
  if (now === wanted) return;
  if (before === undefined) delete pragmas[name];
  else pragmas[name] = before;
  throw new CapabilityError('pragma', `the database keeps PRAGMA ${name} at ${now}, and not ${wanted}`);
}
