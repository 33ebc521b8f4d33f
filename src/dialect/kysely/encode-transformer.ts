import {
  AndNode,
  type BinaryOperationNode,
  ColumnNode,
  type ColumnUpdateNode,
  type InsertQueryNode,
  type OperationNode,
  OperationNodeTransformer,
  OperatorNode,
  PrimitiveValueListNode,
  type QueryId,
  ReferenceNode,
  ValueListNode,
  ValueNode,
  ValuesNode,
} from 'kysely';
import { isOf, isPlainObject } from '../../realm.js';
import { type ColumnKind, type ColumnKinds, encode } from './column-kinds.js';

/** Operators whose right side is a value of the column; that of LIKE, for one, is a pattern. */
const COMPARISONS: ReadonlySet<string> = new Set([
  ...['=', '==', '!=', '<>', '<', '<=', '>', '>=', 'in', 'not in', 'is', 'is not'],
  ...['is distinct from', 'is not distinct from', 'between', 'between symmetric'],
]);

/** Puts what is stored in the place of JavaScript values in a query. */
export class EncodeTransformer extends OperationNodeTransformer {
  readonly #columns: ColumnKinds;
  readonly #dates: ColumnKind;

  constructor(columns: ColumnKinds, dates: ColumnKind) {
    super();
    this.#columns = columns;
    this.#dates = dates;
  }

  protected override transformInsertQuery(node: InsertQueryNode, queryId?: QueryId): InsertQueryNode {
    const { columns, values } = node;
    if (columns === undefined || values === undefined || !ValuesNode.is(values)) {
      return super.transformInsertQuery(node, queryId);
    }
    const kinds = columns.map((column) => this.#kindOf(column));
    const lists = values.values.map((list) =>
      PrimitiveValueListNode.is(list)
        ? PrimitiveValueListNode.create(list.values.map((value, i) => encodeAs(kinds[i], value)))
        : ValueListNode.create(list.values.map((item, i) => encodeNode(kinds[i], item))),
    );
    return super.transformInsertQuery({ ...node, values: ValuesNode.create(lists) }, queryId);
  }

  protected override transformColumnUpdate(node: ColumnUpdateNode, queryId?: QueryId): ColumnUpdateNode {
    const value = encodeNode(this.#kindOf(node.column), node.value);
    return super.transformColumnUpdate({ ...node, value }, queryId);
  }

  protected override transformBinaryOperation(
    node: BinaryOperationNode,
    queryId?: QueryId,
  ): BinaryOperationNode {
    const { leftOperand, operator, rightOperand } = node;
    const compares = OperatorNode.is(operator) && COMPARISONS.has(operator.operator);
    const kind = compares ? this.#kindOf(leftOperand) : undefined;
    return super.transformBinaryOperation(
      { ...node, rightOperand: encodeOperand(kind, rightOperand) },
      queryId,
    );
  }

  protected override transformValue(node: ValueNode, queryId?: QueryId): ValueNode {
    return super.transformValue({ ...node, value: this.#encodeByValue(node.value) }, queryId);
  }

  protected override transformPrimitiveValueList(
    node: PrimitiveValueListNode,
    queryId?: QueryId,
  ): PrimitiveValueListNode {
    const values = node.values.map((value) => this.#encodeByValue(value));
    return super.transformPrimitiveValueList({ ...node, values }, queryId);
  }

  /** What the name of a column says it holds. */
  #kindOf(node: OperationNode): ColumnKind | undefined {
    const column = ReferenceNode.is(node) ? node.column : node;
    if (!ColumnNode.is(column)) return undefined;
    return this.#columns.of(column.column.name);
  }

  #encodeByValue(value: unknown): unknown {
    if (isOf(value, 'Date')) return encode(this.#dates, value);
    return isPlainObject(value) || Array.isArray(value) ? encode('json', value) : value;
  }
}

function encodeOperand(kind: ColumnKind | undefined, node: OperationNode): OperationNode {
  if (kind === undefined) return node;
  if (PrimitiveValueListNode.is(node)) {
    return PrimitiveValueListNode.create(node.values.map((value) => encode(kind, value)));
  }
  if (ValueListNode.is(node)) {
    return ValueListNode.create(node.values.map((item) => encodeNode(kind, item)));
  }
  // The bounds of BETWEEN.
  if (AndNode.is(node)) return AndNode.create(encodeNode(kind, node.left), encodeNode(kind, node.right));
  return encodeNode(kind, node);
}

function encodeNode<TNode extends OperationNode>(kind: ColumnKind | undefined, node: TNode): TNode {
  return kind !== undefined && ValueNode.is(node) ? { ...node, value: encode(kind, node.value) } : node;
}

function encodeAs(kind: ColumnKind | undefined, value: unknown): unknown {
  return kind === undefined ? value : encode(kind, value);
}
