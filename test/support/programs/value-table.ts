import Libsql from 'libsql';
import { type Database, open, type ParameterError, ValueError } from '../../../src/index.js';
import { VALUE_TABLE } from '../value-table.js';

/** Binds every value of the table to every column and tells what is in the file and what is read back. */
const [file = ''] = process.argv.slice(2);
const second = new Libsql(file);
const db = open(file);
const wide = open({ url: file, intMode: 'bigint' });
await db.execute('create table v (id integer primary key, i integer, r real, t text, b blob, n numeric, a)');
await db.execute('create table s (id integer primary key, i integer, r real, t text, b blob, a any) strict');

const report: Record<string, unknown> = {};
for (const [name, make] of Object.entries(VALUE_TABLE)) {
  const value = make();
  try {
    const args = [value, value, value, value, value, value];
    const { lastInsertRowid } = await db.execute(
      'insert into v (i, r, t, b, n, a) values (?, ?, ?, ?, ?, ?)',
      args,
    );
    const id = Number(lastInsertRowid);
    report[name] = {
      stored: storedAs(id),
      hex: second.prepare('select hex(a) from v where id = ?').raw().all([id]).flat()[0],
      read: await readBack(db, id),
      wide: await readBack(wide, id),
      strict: await strict(value),
      bound: await bound(value),
    };
  } catch (thrown) {
    const { name: error, message, parameter } = thrown as ParameterError;
    report[name] = { error, message, parameter };
  }
}
await db.close();
await wide.close();
process.send?.(report);
process.disconnect();

function storedAs(id: number): unknown {
  const types = ['i', 'r', 't', 'b', 'n', 'a'].map((column) => `typeof(${column})`).join(` || ' ' || `);
  return second.prepare(`select ${types} from v where id = ?`).raw().all([id]).flat()[0];
}

/** The columns `r`, `t` and `a`, or the name of the column that can't be given. */
async function readBack(database: Database, id: number): Promise<unknown> {
  try {
    const sql = 'select r, t, a from v where id = ?';
    const { rows } = await database.execute(sql, [id], { rowMode: 'array' });
    return rows[0]?.map(show);
  } catch (error) {
    if (error instanceof ValueError) return `no number for ${error.column}`;
    throw error;
  }
}

/** Types in the columns of the STRICT table that take the value. */
async function strict(value: unknown): Promise<string> {
  const types: string[] = [];
  for (const column of ['i', 'r', 't', 'b', 'a']) {
    try {
      const sql = `insert into s (${column}) values (?) returning typeof(${column})`;
      const { rows } = await db.execute(sql, [value], { rowMode: 'array' });
      types.push(String(rows[0]?.[0]));
    } catch (error) {
      types.push((error as { constraint?: string }).constraint ?? String(error));
    }
  }
  return types.join(' ');
}

async function bound(value: unknown): Promise<string> {
  const { rows } = await db.execute('select typeof(?)', [value], { rowMode: 'array' });
  return String(rows[0]?.[0]);
}

function show(value: unknown): string {
  if (value instanceof Uint8Array) return `${value.constructor.name} ${Buffer.from(value).toString('hex')}`;
  if (Object.is(value, -0)) return 'number -0';
  return `${value === null ? 'null' : typeof value} ${String(value)}`;
}
