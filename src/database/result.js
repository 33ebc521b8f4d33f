import { decodeInteger } from '../values.js';
/** Turns an engine's result into what callers see. */
export function toResultSet(raw, rowMode, intMode) {
  const { columns = [] } = raw;
  return {
    columns: columns.map((column) => column.name),
    columnTypes: columns.map((column) => column.type),
    rows: toRows(raw.rows, columns, rowMode, intMode),
    rowsAffected: raw.rowsAffected,
    lastInsertRowid: raw.lastInsertRowid,
  };
}
/** Gives integers the wanted form and rows the wanted shape. May change `rows` in place. */
export function toRows(rows, columns, rowMode, intMode) {
  if (rows.length === 0) return rows;
  for (const row of rows) {
    for (let i = 0; i < row.length; i++) {
      if (typeof row[i] === 'bigint') row[i] = decodeInteger(row[i], intMode, columns[i]?.name ?? `#${i}`);
    }
  }
  if (rowMode === 'array') return rows;
  const keys = uniqueKeys(columns);
  // Assigning `__proto__` would set the prototype instead of a property.
  const plain = !keys.includes('__proto__');
  return rows.map((row) => (plain ? toObject(row, keys) : toObjectWithAnyKey(row, keys)));
}
function toObject(row, keys) {
  const object = {};
  for (let i = 0; i < keys.length; i++) object[keys[i]] = row[i];
  return object;
}
function toObjectWithAnyKey(row, keys) {
  const object = {};
  for (let i = 0; i < keys.length; i++) {
    const value = row[i];
    Object.defineProperty(object, keys[i], {
      value,
      enumerable: true,
      configurable: true,
      writable: true,
    });
  }
  return object;
}
function uniqueKeys(columns) {
  const names = columns.map((column) => column.name);
  if (new Set(names).size === names.length) return names;
  const taken = new Set(names);
  const seen = new Set();
  return names.map((name) => {
    if (!seen.has(name)) {
      seen.add(name);
      return name;
    }
    let suffix = 1;
    while (taken.has(`${name}:${suffix}`)) suffix++;
    taken.add(`${name}:${suffix}`);
    return `${name}:${suffix}`;
  });
}
