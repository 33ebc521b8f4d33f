// Finds the mistakes that can be put into a source file, of the kinds that a person makes in a refactoring.
import { parseSync, Visitor } from 'oxc-parser';

/**
 * One mistake: `text` in the place of what stands from `start` to `end`.
 *
 * @typedef {object} Mutant
 * @property {string} file path inside the project, with forward slashes
 * @property {string} kind what was done
 * @property {number} start offset in UTF-16 units
 * @property {number} end
 * @property {string} text
 * @property {number} line from 1
 * @property {string} was the first changed line, trimmed
 * @property {string} is the same line with the mistake, trimmed
 * @property {readonly string[]} within names of the functions round it, as V8 calls them, the innermost first
 */

/** @typedef {import('oxc-parser').Node & { name?: unknown, value?: unknown }} Node */

const OPPOSITE = new Map(
  [
    ...[
      ['<', '<='],
      ['<=', '<'],
      ['>', '>='],
      ['>=', '>'],
    ],
    ...[
      ['===', '!=='],
      ['!==', '==='],
      ['+', '-'],
      ['-', '+'],
      ['*', '/'],
    ],
  ].map(([from, to]) => [String(from), String(to)]),
);

/** Lists of more elements are tables; a test of a table checks its kind, not each row. */
const LONGEST_LIST = 6;

/**
 * Every mistake that one file can have, in the order of the text.
 *
 * @param {string} file
 * @param {string} source
 * @returns {Mutant[]}
 */
export function mutantsOf(file, source) {
  /** @type {Mutant[]} */
  const found = [];
  /** @type {string[]} */
  const within = [];
  /** @type {(node: { start: number, end: number }, text: string, kind: string) => void} */
  const put = ({ start, end }, text, kind) => {
    const before = source.lastIndexOf('\n', start - 1) + 1;
    const lines = (/** @type {string} */ whole) => (whole.slice(before).split('\n')[0] ?? '').trim();
    const mutated = source.slice(0, start) + text + source.slice(end);
    const line = source.slice(0, start).split('\n').length;
    found.push({
      file,
      kind,
      start,
      end,
      text,
      line,
      was: lines(source),
      is: lines(mutated),
      within: [...within],
    });
  };
  /** @type {(node: { start: number, end: number }) => string} */
  const at = (node) => source.slice(node.start, node.end);
  /** Removes one of a list, with its comma. @type {(nodes: readonly ({ start: number, end: number } | null)[], i: number, kind: string) => void} */
  const drop = (nodes, i, kind) => {
    const node = nodes[i];
    if (!node) return;
    const next = nodes[i + 1];
    const previous = nodes[i - 1];
    if (next) put({ start: node.start, end: next.start }, '', kind);
    else put({ start: previous ? previous.end : node.start, end: node.end }, '', kind);
  };
  /** @type {(name: string) => void} */
  const enter = (name) => void within.unshift(name);
  const leave = () => void within.shift();
  /** The name that V8 gives to a function which stands in a declaration or a property. @type {Map<number, string>} */
  const names = new Map();
  /** @type {(value: { type: string, start: number } | null | undefined, name: string) => void} */
  const name = (value, text) => {
    if (value && /Function/.test(value.type)) names.set(value.start, text);
  };
  /** @type {(node: { start: number, id?: { name: string } | null }) => void} */
  const enterFunction = (node) => enter(names.get(node.start) ?? node.id?.name ?? '');
  /** @type {(node: { key: Node, value: unknown, kind?: string, start: number }) => void} */
  const nameMember = (node) => {
    const key = at(node.key);
    const text = node.kind === 'get' || node.kind === 'set' ? `${node.kind} ${key}` : key;
    name(/** @type {any} */ (node.value), node.kind === 'constructor' ? (classes.at(-1) ?? '') : text);
  };
  /** @type {string[]} */
  const classes = [];
  /** Texts for people, whose wording no test should repeat. */
  let messages = 0;

  new Visitor({
    FunctionDeclaration: enterFunction,
    'FunctionDeclaration:exit': leave,
    FunctionExpression: enterFunction,
    'FunctionExpression:exit': leave,
    ArrowFunctionExpression: (node) => enterFunction(node),
    'ArrowFunctionExpression:exit': leave,
    ClassDeclaration: (node) => void classes.push(node.id?.name ?? ''),
    'ClassDeclaration:exit': () => void classes.pop(),
    MethodDefinition: (node) => nameMember(node),
    PropertyDefinition: (node) => nameMember(node),
    Property: (node) => nameMember(node),
    VariableDeclarator: (node) => name(node.init, at(node.id).replace(/\W.*/s, '')),
    NewExpression: (node) => void (at(node.callee).endsWith('Error') && messages++),
    'NewExpression:exit': (node) => void (at(node.callee).endsWith('Error') && messages--),

    ExpressionStatement(node) {
      if (node.directive || at(node).startsWith('super(')) return;
      put(node, ';', 'statement removed');
    },
    ThrowStatement: (node) => put(node, ';', 'throw removed'),
    IfStatement(node) {
      if (!negatedByOperator(node.test)) put(node.test, `!(${at(node.test)})`, 'condition negated');
      put(node.test, 'false', 'condition never true');
      put(node.test, 'true', 'condition dropped');
    },
    WhileStatement: (node) => put(node.test, 'false', 'loop left out'),
    ConditionalExpression(node) {
      if (!negatedByOperator(node.test)) put(node.test, `!(${at(node.test)})`, 'condition negated');
    },
    LogicalExpression(node) {
      const kind = node.operator === '??' ? 'default' : 'operand';
      put(node, at(node.left), `${kind} dropped`);
      put(node, at(node.right), `${kind} taken always`);
    },
    BinaryExpression(node) {
      const other = OPPOSITE.get(node.operator);
      if (other === undefined) return;
      const between = source.indexOf(node.operator, node.left.end);
      put({ start: between, end: between + node.operator.length }, other, 'operator changed');
    },
    Literal(node) {
      if (typeof node.value === 'number') put(node, String(node.value + 1), 'number changed');
      if (typeof node.value === 'boolean') put(node, String(!node.value), 'boolean changed');
    },
    ObjectExpression(node) {
      node.properties.forEach((_, i) => drop(node.properties, i, 'property not passed on'));
    },
    ArrayExpression(node) {
      if (node.elements.length < 2 || node.elements.length > LONGEST_LIST) return;
      node.elements.forEach((_, i) => drop(node.elements, i, 'element left out'));
    },
    CallExpression(node) {
      const { arguments: given } = node;
      const last = given.at(-1);
      // `undefined` and nothing are the same.
      const counts = last !== undefined && at(last) !== 'undefined';
      if (counts && messages === 0) drop(given, given.length - 1, 'argument not passed on');
      const only = given[0];
      if (only?.type === 'Literal' && typeof only.value === 'string' && messages === 0)
        put(only, "''", 'text emptied');
    },
    ReturnStatement(node) {
      if (node.argument === null) put(node, ';', 'return removed');
    },
    TryStatement(node) {
      if (node.finalizer?.body.length) put(node.finalizer, '{}', 'finally emptied');
      if (node.handler?.body.body.length) put(node.handler.body, '{}', 'catch emptied');
    },
  }).visit(parseSync(file, source).program);
  return found
    .filter((mutant) => mutant.was !== mutant.is || mutant.text.includes('\n'))
    .toSorted((a, b) => a.start - b.start);
}

/** Whether changing the operator negates it anyway. */
function negatedByOperator(/** @type {{ type: string, operator?: string }} */ test) {
  return test.type === 'BinaryExpression' && /^[!=]==$/.test(test.operator ?? '');
}
