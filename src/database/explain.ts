import { ParameterError } from '../errors.js';
import type { Executor } from './executor.js';
import type { Arguments } from './statements.js';

/** A query of a builder, of which the SQL text can be had: one of Drizzle's or Kysely's. */
export type BuiltQuery =
  | { toSQL(): { readonly sql: string; readonly params: unknown[] } }
  | { compile(): { readonly sql: string; readonly parameters: readonly unknown[] } };

/** What `explain()` takes: a SQL text, or a query that was built. */
export type ExplainedQuery = string | BuiltQuery;

/** A step of a query plan, with the steps that it is made of. */
export interface PlanNode {
  readonly id: number;
  /** What is done, in SQLite's words: `SEARCH users USING INDEX …`. */
  readonly detail: string;
  readonly children: readonly PlanNode[];
}

/** How a query would be run. */
export interface QueryPlan {
  readonly nodes: readonly PlanNode[];
  /** The plan as a tree of lines, as the `sqlite3` shell prints it. */
  readonly text: string;
}

/** Asks for the plan of a query, which is not run. See https://www.sqlite.org/eqp.html. */
export async function explainQuery(
  executor: Executor,
  query: ExplainedQuery,
  args: Arguments,
): Promise<QueryPlan> {
  const { sql, parameters } = toText(query, args);
  const statement = executor.statements.one(sql);
  if (statement.verb === 'EXPLAIN') throw new ParameterError('explain() takes the query without EXPLAIN');
  const { rows } = await executor.execute(`EXPLAIN QUERY PLAN ${statement.text}`, parameters, {
    rowMode: 'array',
  });
  const children = new Map<number, PlanNode[]>([[0, []]]);
  for (const [id, parent, , detail] of rows) {
    const node = { id: Number(id), detail: String(detail), children: [] };
    children.set(node.id, node.children);
    children.get(Number(parent))?.push(node);
  }
  const nodes = children.get(0) ?? [];
  return { nodes, text: ['QUERY PLAN', ...lines(nodes, '')].join('\n') };
}

function toText(query: ExplainedQuery, args: Arguments): { sql: string; parameters: Arguments } {
  if (typeof query === 'string') return { sql: query, parameters: args };
  if (typeof query === 'object' && query !== null) {
    if ('toSQL' in query && typeof query.toSQL === 'function') {
      const { sql, params } = query.toSQL();
      return { sql, parameters: params };
    }
    if ('compile' in query && typeof query.compile === 'function') {
      const { sql, parameters } = query.compile();
      return { sql, parameters: [...parameters] };
    }
  }
  throw new ParameterError('explain() takes a SQL text or a query of Drizzle or Kysely');
}

function lines(nodes: readonly PlanNode[], indent: string): string[] {
  return nodes.flatMap(({ detail, children }, i) => {
    const last = i === nodes.length - 1;
    return [
      `${indent}${last ? '`--' : '|--'}${detail}`,
      ...lines(children, `${indent}${last ? '   ' : '|  '}`),
    ];
  });
}
