import { Lock } from './lock.js';
/** Kept on the global object, so that two copies of this package in one process share the locks. */
const REGISTRY = Symbol.for('turso-dialect.write-locks.1');
const registry = (globalThis[REGISTRY] ??= new Map());
/** The lock that one writer at a time holds on a database file in this process; give it back when done. */
export function shareWriteLock(name) {
  let shared = registry.get(name);
  if (shared === undefined) {
    shared = { lock: new Lock('the write lock'), users: 0 };
    registry.set(name, shared);
  }
  shared.users++;
  return shared.lock;
}
/** Ends one use of {@link shareWriteLock}. */
export function unshareWriteLock(name) {
  const shared = registry.get(name);
  if (shared !== undefined && --shared.users === 0) registry.delete(name);
}
