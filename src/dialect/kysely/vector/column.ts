import { type ColumnType, type RawBuilder, sql } from 'kysely';
import { indexSettings, type VectorIndexOptions } from '../../../vector/vector-index.js';
import {
  declaredType,
  type VectorInput,
  type VectorInMode,
  type VectorMode,
  type VectorType,
} from '../../../vector/vector-type.js';

/**
 * A column of vectors in a table of Kysely's, as the {@link TursoTypesPlugin} converts it: `VectorColumn<'float32', 'array'>`
 * where the plugin has `mode: 'array'` for it.
 */
export type VectorColumn<T extends VectorType = 'float32', M extends VectorMode = 'typed'> = ColumnType<
  VectorInMode<T, M>,
  VectorInput,
  VectorInput
>;

/**
 * The type of a column of vectors, for the schema builder.
 *
 * @param config - `dimensions`, 1 to 65536, and `type`, `'float32'` if not told
 * @throws {@link ParameterError} when they are wrong
 *
 * @example
 * ```ts
 * import { Kysely } from 'kysely';
 * import { TursoDialect, TursoTypesPlugin, type VectorColumn, vectorIndex, vectorType } from 'turso-dialect/kysely';
 *
 * const shape = { dimensions: 384, type: 'float32' } as const;
 * const db = new Kysely<{ notes: { id: number; embedding: VectorColumn } }>({
 *   dialect: new TursoDialect(':memory:'),
 *   plugins: [new TursoTypesPlugin({ columns: { embedding: shape } })],
 * });
 * await db.schema
 *   .createTable('notes')
 *   .addColumn('id', 'integer', (id) => id.primaryKey())
 *   .addColumn('embedding', vectorType(shape))
 *   .execute();
 * await db.schema.createIndex('notes_embedding').on('notes').expression(vectorIndex('embedding')).execute();
 * ```
 */
export function vectorType(config: {
  readonly dimensions: number;
  readonly type?: VectorType;
}): RawBuilder<unknown> {
  return sql.raw(declaredType({ type: 'float32', ...config }));
}

/**
 * What a vector index is on, for `createIndex(name).on(table).expression(…)`. The name must be a plain identifier.
 *
 * @throws {@link ParameterError} when an option is out of range
 */
export function vectorIndex(column: string, options: VectorIndexOptions = {}): RawBuilder<unknown> {
  const settings = indexSettings(options).map((setting) => `, '${setting}'`);
  // The engine takes the column only without its table.
  return sql`libsql_vector_idx(${sql.id(column)}${sql.raw(settings.join(''))})`;
}
