import { createRequire } from 'node:module';
import Database from 'libsql';
const { statementRowsSync, statementRowsAsync, rowsNext } = loadRowFunctions();
// The package's own declarations describe better-sqlite3; the interface above is what the binding really has.
const NativeDatabaseClass = Database;
/** Opens a connection. The native busy timeout stays 0: waiting in native code would block the event loop. */
export function openNative(path) {
  return new NativeDatabaseClass(path);
}
/** Runs a statement up to its first row. */
export function openRows(statement, args) {
  return statementRowsSync.call(statement.stmt, args);
}
/** Runs a statement up to its first row on another thread. The connection must not be touched meanwhile. */
export function openRowsOffThread(statement, args) {
  return statementRowsAsync.call(statement.stmt, args);
}
/** Takes up to `size` rows. Fewer than `size` mean that the statement is done and reset. */
export function fetchRows(rows, size) {
  const batch = new Array(size);
  rowsNext.call(rows, batch);
  let count = 0;
  while (count < size && batch[count] !== undefined) count++;
  batch.length = count;
  return batch;
}
/**
 * Ends an EXPLAIN that was read to its end. Its last step does not halt it, and as long as it counts as running no read
 * snapshot of its connection is given up (SQLite 3.45.1 in libsql 0.5.29); `get()` steps it anew and resets it.
 */
export function endExplain(statement, args) {
  statement.get(args);
}
/** Loads the very binary that `libsql` 0.5 has loaded, found by that package's own rule. */
function loadRowFunctions() {
  const requireAsLibsql = createRequire(createRequire(import.meta.url).resolve('libsql'));
  const { currentTarget } = requireAsLibsql('@neon-rs/load');
  const { familySync, GLIBC, MUSL } = requireAsLibsql('detect-libc');
  const family = familySync();
  let target = currentTarget();
  // Bun reports musl where it needs glibc; the loader does not tell the two apart on 32-bit ARM.
  if (family === GLIBC) target = target.replace(/^(linux-(?:x64|arm64))-musl$/, '$1-gnu');
  if (family === MUSL && target === 'linux-arm-gnueabihf') target = 'linux-arm-musleabihf';
  return requireAsLibsql(`@libsql/${target}`);
}
