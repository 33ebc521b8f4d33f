/**
 * The binding (libsql 0.5.29) logs failures of the network to standard output, where an application's own output goes.
 * It reads its level once, when its library is loaded, so this module is imported before it and undone after it.
 */
const level = process.env['RUST_LOG'];
process.env['RUST_LOG'] ??= 'off';

/** Gives the variable back, for the processes that this one starts. */
export function restoreLogLevel(): void {
  if (level === undefined) delete process.env['RUST_LOG'];
}
