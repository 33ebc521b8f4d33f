import Libsql from 'libsql';

// Has a view show a column that may be read and one that may not, in turn.
const [, , file] = process.argv;
const native = new Libsql(String(file), { timeout: 1_000 } as never);
native.exec('pragma busy_timeout = 1000');
process.send?.('ready');
function flip(column: string): void {
  try {
    native.exec(
      `begin immediate; drop view shown; create view shown as select ${column} as v from users; commit`,
    );
  } catch {
    if (native.inTransaction) native.exec('rollback');
  }
  setTimeout(flip, 1, column === 'id' ? 'password' : 'id');
}
flip('password');
