import { LruCache } from '../../lru-cache.js';
// The source depends on keys and positions alone, so queries of one shape share a function and pay for its generation once.
const generated = new LruCache(1000);
let mayGenerate = true;
// To generate costs as much as the loop takes for about this many rows.
const ROWS_BY_LOOP = 32;
/**
 * Builds the function that makes row objects of a shape. An object with `nullIndex` is `null` when the decoded value at
 * that position, which is one of its own, is `null`.
 *
 * The first rows are made by a loop over the keys; then comes a generated function that returns an object literal, about
 * four times as fast. Where code may not be generated (a content security policy, some workers), the loop makes them all.
 */
export function compileShape(members) {
  let generatedBuilder;
  let rows = 0;
  return (row) => {
    if (generatedBuilder !== undefined) return generatedBuilder(row);
    if (++rows > ROWS_BY_LOOP && mayGenerate) generatedBuilder = generate(members);
    return buildByLoop(members, row);
  };
}
function generate(members) {
  const decoders = [];
  const source = shapeSource(members, decoders);
  let create = generated.get(source);
  if (create === undefined) {
    try {
      // The source consists of positions and quoted keys, and returns what the type says.
      // oxlint-disable-next-line typescript/no-implied-eval -- generated from our own text, see above
      create = new Function('d', source);
    } catch {
      mayGenerate = false;
      return undefined;
    }
    generated.set(source, create);
  }
  return create(decoders);
}
/** The body of the generated function. Fills `decoders` by position in the row. */
function shapeSource(members, decoders) {
  let hoisted = '';
  let locals = '';
  const literal = (list, known) => {
    let text = '';
    for (const member of list) {
      text += `${member.key === '__proto__' ? '["__proto__"]' : JSON.stringify(member.key)}:`;
      if ('members' in member) {
        text += object(member);
      } else {
        const { index, decode } = member;
        decoders[index] = decode;
        hoisted += `const d${index}=d[${index}];`;
        text += index === known ? `v${index}` : `d${index}(row[${index}])`;
      }
      text += ',';
    }
    return `{${text}}`;
  };
  const object = ({ members: list, nullIndex: i }) => {
    if (i === undefined) return literal(list);
    locals += `let v${i};`;
    return `(v${i}=d${i}(row[${i}]))===null?null:${literal(list, i)}`;
  };
  const body = literal(members);
  return `${hoisted}return (row)=>{${locals}return ${body}}`;
}
function buildByLoop(members, row) {
  const result = {};
  for (const member of members) {
    let value;
    if ('members' in member) value = isNullGroup(member, row) ? null : buildByLoop(member.members, row);
    else value = member.decode(row[member.index]);
    setOwn(result, member.key, value);
  }
  return result;
}
function isNullGroup({ members, nullIndex }, row) {
  return members.some(
    (member) => 'index' in member && member.index === nullIndex && member.decode(row[member.index]) === null,
  );
}
/** Sets a member of an object that came from outside; the key `__proto__` would set the prototype. */
export function setOwn(object, key, value) {
  if (key === '__proto__') {
    Object.defineProperty(object, key, { value, configurable: true, enumerable: true, writable: true });
  } else {
    object[key] = value;
  }
}
