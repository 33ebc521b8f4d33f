import { is } from 'drizzle-orm';
import type { BatchItem as DrizzleBatchItem } from 'drizzle-orm/batch';
import type { BatchItem } from '../../database/batch.js';
import { bind } from '../../database/statements.js';
import type { RawResult } from '../../database/executor.js';
import { ParameterError } from '../../errors.js';
import { TursoPreparedQuery } from './prepared-query.js';
import type { TursoSession } from './session.js';

/** A query of a batch. */
export interface BatchQuery {
  toBatchItem(): BatchItem;
  mapResult(result: RawResult): unknown;
}

/** What `db.run()`, `db.all()`, `db.get()` and `db.values()` return, as far as drizzle-orm 0.45.4 makes it public. */
interface RawQuery {
  getQuery(): { sql: string; params: unknown[]; method: 'run' | 'all' | 'get' | 'values' };
  mapResult(result: unknown, isFromBatch: true): unknown;
}

/** What turns a builder or prepared query into something that a batch can run. */
// biome-ignore lint: the session's schema types play no part here
export function toBatchQuery(
  query: DrizzleBatchItem<'sqlite'>,
  session: Pick<TursoSession<Record<string, unknown>, never>, 'executor'>,
  index: number,
): BatchQuery {
  const prepared = prepare(query);
  if (is(prepared, TursoPreparedQuery)) return prepared;
  if (!isRawQuery(prepared)) {
    throw new ParameterError(`item ${index} of the batch is not a query`);
  }
  const { executor } = session;
  return {
    toBatchItem: () => {
      const { sql, params } = prepared.getQuery();
      const statement = executor.statements.one(sql);
      const exactIntegers = executor.config.intMode !== 'number';
      return {
        statement,
        values: bind(statement, params, executor.limits),
        request: { fetch: 'all', columns: true, rowid: true, exactIntegers },
      };
    },
    mapResult: (result) => prepared.mapResult(result, true),
  };
}

function prepare(query: unknown): unknown {
  const { _prepare } = (query ?? {}) as { _prepare?: () => unknown };
  return typeof _prepare === 'function' ? _prepare.call(query) : query;
}

function isRawQuery(query: unknown): query is RawQuery {
  const { getQuery, mapResult } = (query ?? {}) as Partial<RawQuery>;
  return typeof getQuery === 'function' && typeof mapResult === 'function';
}
