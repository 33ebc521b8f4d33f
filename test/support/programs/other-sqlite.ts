import { DatabaseSync } from '@photostructure/sqlite';

/**
 * A process with another build of SQLite (3.53), which does what it is sent: a statement that is run, or `write`. It
 * answers with the first value of the result, or with SQLite's message. argv: the file, how long it waits for
 * locks (ms), how many rows `write` writes.
 */
const [file = '', wait = '', count = ''] = process.argv.slice(2);
const other = new DatabaseSync(file, { timeout: Number(wait) });

function write(): string {
  const insert = other.prepare("insert into t (writer, n) values ('other', ?)");
  for (let n = 0; n < Number(count); n++) {
    other.exec('begin immediate');
    insert.run(n);
    other.exec(n % 10 === 9 ? 'rollback' : 'commit');
    if (n % 20 === 0) other.exec('pragma wal_checkpoint(truncate)');
  }
  return 'written';
}

function answer(command: string): unknown {
  try {
    if (command === 'write') return write();
    const [row] = other.prepare(command).all() as Record<string, unknown>[];
    return Object.values(row ?? {})[0] ?? 'done';
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

process.on('message', (command: string) => process.send?.(answer(command)));
process.on('disconnect', () => other.close());
process.send?.('ready');
