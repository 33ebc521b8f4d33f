import { Column, is, Name, Param, Placeholder, SQL, StringChunk, Subquery, Table, View } from 'drizzle-orm';
// Drizzle asks in this order; an object is the first kind that fits.
const CLASSES = [
  [StringChunk, 'text'],
  [Name, 'name'],
  [SQL, 'sql'],
  [Table, 'table'],
  [Column, 'column'],
  [View, 'view'],
  [Param, 'param'],
  [Placeholder, 'placeholder'],
  [SQL.Aliased, 'aliased'],
  [Subquery, 'subquery'],
];
const kindOfPrototype = new WeakMap();
/**
 * Tells what kind of chunk an object is. `is()` looks at nothing but the prototype, so its answer is kept per
 * prototype; classes of a second copy of drizzle-orm are recognised as `is()` recognises them.
 *
 * @param chunk - an object that is not an array
 */
export function chunkKind(chunk) {
  const prototype = Object.getPrototypeOf(chunk);
  // The three that make up most of every query, without a lookup.
  if (prototype === StringChunk.prototype) return 'text';
  if (prototype === Param.prototype) return 'param';
  if (prototype === SQL.prototype) return 'sql';
  if (prototype === null) return 'other';
  // getPrototypeOf returns an object or null.
  const key = prototype;
  let kind = kindOfPrototype.get(key);
  if (kind === undefined) {
    kind = CLASSES.find(([type]) => is(chunk, type))?.[1] ?? 'other';
    kindOfPrototype.set(key, kind);
  }
  return kind;
}
