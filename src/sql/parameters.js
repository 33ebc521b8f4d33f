const NO_VALUES = Object.freeze([]);
/**
 * Puts the parameters that a caller gave into the order of a statement's slots and checks that none is
 * missing and none is too many. The values themselves are not looked at and never occur in a problem.
 *
 * - An array must have exactly one entry per slot. The entry of a slot that no parameter uses is ignored.
 * - A plain object serves a statement without plain `?`. Its keys are names with or without their prefix; a
 *   bare `a` feeds `:a`, `@a` and `$a` alike. Case matters, and only own properties count.
 *
 * @example
 * ```ts
 * import { resolveArguments } from './parameters.js';
 * import { analyze } from './statement.js';
 *
 * const [statement] = analyze('select :a, $b').statements;
 * resolveArguments(statement!.parameters, { $b: 2, a: 1 }); // { ok: true, values: [1, 2] }
 * resolveArguments(statement!.parameters, { a: 1 });
 * // { ok: false, problem: 'missing parameter(s): $b', position: '$b' }
 * ```
 */
export function resolveArguments(layout, args) {
  if (Array.isArray(args)) return resolveArray(layout, args);
  if (args === undefined) {
    return layout.count === 0 ? { ok: true, values: NO_VALUES } : wrongCount(layout, 'none');
  }
  if (!isPlainObject(args)) {
    return { ok: false, problem: `parameters must be an array or a plain object, got ${typeName(args)}` };
  }
  return resolveObject(layout, args);
}
function resolveArray(layout, args) {
  if (args.length !== layout.count) return wrongCount(layout, String(args.length));
  if (layout.gaps) {
    // The engine would bind these as well, so nothing of what was given may reach it.
    return checkHoles(
      args.map((value, i) => (layout.names[i] === undefined ? null : value)),
      layout,
    );
  }
  return checkHoles(args, layout);
}
function checkHoles(values, layout) {
  for (let i = 0; i < values.length; i++) {
    if (values[i] === undefined && !(i in values)) {
      if (layout.names[i] === undefined) continue;
      return { ok: false, problem: `parameter ${i + 1} is a hole in the array`, position: i + 1 };
    }
  }
  return { ok: true, values };
}
function resolveObject(layout, args) {
  const plain = layout.names.indexOf(null);
  if (plain >= 0) {
    const problem = 'the statement has plain ? parameters: give them as an array, not as an object';
    return { ok: false, problem, position: plain + 1 };
  }
  const values = [];
  const known = new Set();
  const missing = [];
  for (const name of layout.names) {
    if (name === undefined || name === null) {
      values.push(null);
      continue;
    }
    const bare = name.slice(1);
    known.add(name).add(bare);
    const withPrefix = Object.hasOwn(args, name);
    const withoutPrefix = Object.hasOwn(args, bare);
    if (withPrefix && withoutPrefix) {
      return {
        ok: false,
        problem: `parameter ${name} is given twice: as ${name} and as ${bare}`,
        position: name,
      };
    }
    if (!withPrefix && !withoutPrefix) missing.push(name);
    else values.push(args[withPrefix ? name : bare]);
  }
  const surplus = Object.keys(args).filter((key) => !known.has(key));
  if (missing.length === 0 && surplus.length === 0) return { ok: true, values };
  const problems = [];
  if (missing.length > 0) problems.push(`missing parameter(s): ${missing.join(', ')}`);
  if (surplus.length > 0) problems.push(`no such parameter(s) in the statement: ${surplus.join(', ')}`);
  // Both may apply: a misspelt name is missing under one spelling and surplus under the other.
  return { ok: false, problem: problems.join('; '), position: missing[0] ?? surplus[0] };
}
function wrongCount(layout, got) {
  return {
    ok: false,
    problem: `expected ${layout.count} parameter${layout.count === 1 ? '' : 's'}, got ${got}`,
  };
}
function isPlainObject(value) {
  if (typeof value !== 'object' || value === null) return false;
  const prototype = Object.getPrototypeOf(value);
  // The second test accepts the plain objects of another realm (a vm context, a test runner's sandbox).
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}
function typeName(value) {
  if (value === null) return 'null';
  if (typeof value !== 'object') return typeof value;
  const { constructor } = value;
  return typeof constructor === 'function' && constructor.name !== '' ? constructor.name : 'object';
}
