import { LruCache } from '../../lru-cache.js';

/** Decodes one value of a row; it gets NULL too. */
export type CellDecoder = (value: unknown) => unknown;

/** A member of a row object that is a value of the row. */
export interface ShapeCell {
  readonly key: string;
  readonly index: number;
  readonly decode: CellDecoder;
}

/** A member of a row object that is itself an object. */
interface ShapeGroup {
  readonly key: string;
  readonly members: readonly ShapeMember[];
  readonly nullIndexes?: readonly number[] | undefined;
}

/** One member of a row object. */
export type ShapeMember = ShapeCell | ShapeGroup;

/** Turns the values of one row into an object. */
export type RowBuilder = (row: readonly unknown[]) => Record<string, unknown>;

type Generated = (decoders: readonly CellDecoder[]) => RowBuilder;

// The source depends on keys and positions alone, so queries of one shape share a function and pay for its generation once.
const generated = new LruCache<string, Generated>(1000);
let mayGenerate = true;

// To generate costs as much as the loop takes for about this many rows.
const ROWS_BY_LOOP = 32;

/**
 * Builds the function that makes row objects of a shape. An object with `nullIndexes` is `null` when all values at these
 * positions of the row are.
 *
 * The first rows are made by a loop over the keys; then comes a generated function that returns an object literal, about
 * four times as fast. Where code may not be generated (a content security policy, some workers), the loop makes them all.
 */
export function compileShape(members: readonly ShapeMember[]): RowBuilder {
  let generatedBuilder: RowBuilder | undefined;
  let rows = 0;
  return (row) => {
    if (generatedBuilder !== undefined) return generatedBuilder(row);
    if (++rows > ROWS_BY_LOOP && mayGenerate) generatedBuilder = generate(members);
    return buildByLoop(members, row);
  };
}

function generate(members: readonly ShapeMember[]): RowBuilder | undefined {
  const decoders: CellDecoder[] = [];
  const source = shapeSource(members, decoders);
  let create = generated.get(source);
  if (create === undefined) {
    try {
      // The source consists of positions and quoted keys, and returns what the type says.
      // oxlint-disable-next-line typescript/no-implied-eval -- generated from our own text, see above
      create = new Function('d', source) as Generated;
    } catch {
      mayGenerate = false;
      return undefined;
    }
    generated.set(source, create);
  }
  return create(decoders);
}

/** The body of the generated function. Fills `decoders` by position in the row. */
function shapeSource(members: readonly ShapeMember[], decoders: CellDecoder[]): string {
  let hoisted = '';
  const literal = (list: readonly ShapeMember[]): string => {
    let text = '';
    for (const member of list) {
      text += `${member.key === '__proto__' ? '["__proto__"]' : JSON.stringify(member.key)}:`;
      if ('members' in member) {
        text += object(member);
      } else {
        const { index, decode } = member;
        decoders[index] = decode;
        hoisted += `const d${index}=d[${index}];`;
        text += `d${index}(row[${index}])`;
      }
      text += ',';
    }
    return `{${text}}`;
  };
  const object = ({ members: list, nullIndexes }: ShapeGroup): string => {
    if (nullIndexes === undefined) return literal(list);
    return `${nullIndexes.map((i) => `row[${i}]===null`).join('&&')}?null:${literal(list)}`;
  };
  const body = literal(members);
  return `${hoisted}return (row)=>(${body})`;
}

function buildByLoop(members: readonly ShapeMember[], row: readonly unknown[]): Record<string, unknown> {
  const result: Record<string, unknown> = {};
  for (const member of members) {
    let value: unknown;
    if ('members' in member) value = isNullGroup(member, row) ? null : buildByLoop(member.members, row);
    else value = member.decode(row[member.index]);
    setOwn(result, member.key, value);
  }
  return result;
}

function isNullGroup({ nullIndexes }: ShapeGroup, row: readonly unknown[]): boolean {
  return nullIndexes?.every((index) => row[index] === null) === true;
}

/** Sets a member of an object that came from outside; the key `__proto__` would set the prototype. */
export function setOwn(object: Record<string, unknown>, key: string, value: unknown): void {
  if (key === '__proto__') {
    Object.defineProperty(object, key, { value, configurable: true, enumerable: true, writable: true });
  } else {
    object[key] = value;
  }
}
