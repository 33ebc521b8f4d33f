import Libsql from 'libsql';

/** Runs the script `sql` on `file`, says so, keeps what it locked until told to end, then runs `last`. */
const [file = '', sql = '', last = 'COMMIT'] = process.argv.slice(2);
const database = new Libsql(file);
database.exec(sql);
process.once('message', () => {
  database.exec(last);
  database.close();
  process.disconnect();
});
process.send?.('locked');
