import { ParameterError } from '../errors.js';
import { quoteName } from '../sql/quote-name.js';

/** How far apart vectors are: 1 - cos of their angle, or the length of their difference. */
export type VectorMetric = 'cosine' | 'l2';

/** How a vector index is built and searched; see https://docs.turso.tech/features/ai-and-embeddings#settings. */
export interface VectorIndexOptions {
  /** What is near. @default 'cosine' */
  readonly metric?: VectorMetric;
  /** Keeps the neighbours in the index smaller than the column has them. @default as the column */
  readonly compressNeighbors?: 'float32' | 'float16' | 'bfloat16' | 'float8' | 'float1bit';
  /** How many neighbours a vector has in the graph. @default 3 times the root of the dimensions */
  readonly maxNeighbors?: number;
  /** How many candidates a search keeps: more is slower and misses less. @default 200 */
  readonly searchL?: number;
  /** How many candidates an insert keeps. @default 70 */
  readonly insertL?: number;
  /** How eagerly far neighbours are kept, at least 1. @default 1.2 */
  readonly alpha?: number;
}

/** The engine's own words for the storage of neighbours. */
const COMPRESSIONS = {
  float32: 'float32',
  float16: 'float16',
  bfloat16: 'floatb16',
  float8: 'float8',
  float1bit: 'float1bit',
} as const;

/**
 * The settings of a vector index as the engine takes them: `'metric=l2', 'max_neighbors=32'`.
 *
 * @throws {@link ParameterError} when one is unknown or out of range
 */
export function indexSettings(options: VectorIndexOptions): string[] {
  const { metric, compressNeighbors, maxNeighbors, searchL, insertL, alpha, ...unknown } = options;
  const [surplus] = Object.keys(unknown);
  if (surplus !== undefined) throw new ParameterError(`no such option of a vector index: ${surplus}`);
  const settings: string[] = [];
  if (metric !== undefined) settings.push(`metric=${checkMetric(metric)}`);
  if (compressNeighbors !== undefined) {
    const name = COMPRESSIONS[compressNeighbors];
    if (name === undefined) throw new ParameterError('compressNeighbors is none of the types that there are');
    settings.push(`compress_neighbors=${name}`);
  }
  for (const [name, value] of Object.entries({ maxNeighbors, searchL, insertL })) {
    if (value === undefined) continue;
    if (!Number.isInteger(value) || value < 1 || value > 10_000) {
      throw new ParameterError(`${name} of a vector index is a whole number from 1 to 10000`);
    }
    settings.push(`${name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)}=${value}`);
  }
  if (alpha !== undefined) {
    if (!(alpha >= 1 && alpha <= 10))
      throw new ParameterError('alpha of a vector index is a number from 1 to 10');
    settings.push(`alpha=${alpha}`);
  }
  return settings;
}

/**
 * Refuses a name that the engine's search would not find: it takes it as it stands (libsql 0.5.29).
 *
 * @throws {@link ParameterError}
 */
export function checkIndexName(name: string): string {
  if (/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) return name;
  throw new ParameterError('the name of a vector index is a plain identifier: letters, digits and _');
}

/** @throws {@link ParameterError} when there is no such metric */
export function checkMetric(metric: VectorMetric): VectorMetric {
  if (metric === 'cosine' || metric === 'l2') return metric;
  throw new ParameterError("the metric of a vector index is 'cosine' or 'l2'");
}

/**
 * The statement that creates a vector index.
 *
 * @throws {@link ParameterError} when the name is no plain identifier or an option is out of range
 *
 * @example
 * ```ts
 * import { vectorIndexSql } from 'turso-dialect/vector';
 *
 * vectorIndexSql('by_embedding', 'notes', 'embedding', { metric: 'l2', compressNeighbors: 'float8' });
 * ```
 */
export function vectorIndexSql(
  name: string,
  table: string,
  column: string,
  options: VectorIndexOptions = {},
): string {
  const settings = indexSettings(options).map((setting) => `, '${setting}'`);
  return (
    `CREATE INDEX ${quoteName(checkIndexName(name))} ON ${quoteName(table)} ` +
    `(libsql_vector_idx(${quoteName(column)}${settings.join('')}))`
  );
}

/** What the statement of a vector index says. */
export interface ParsedVectorIndex {
  readonly column: string;
  readonly metric: VectorMetric;
  /** Whether it holds only some of the rows. */
  readonly partial: boolean;
}

const INDEXED =
  /\(\s*libsql_vector_idx\s*\(\s*("(?:[^"]|"")*"|`(?:[^`]|``)*`|\[[^\]]*\]|\w+)((?:\s*,\s*'[^']*')*)\s*\)\s*\)(.*)$/is;

/** Reads the statement of an index; undefined when it is no vector index. */
export function parseVectorIndex(sql: string): ParsedVectorIndex | undefined {
  const [, column, settings = '', rest = ''] = INDEXED.exec(sql) ?? [];
  if (column === undefined) return undefined;
  return {
    column: unquote(column),
    metric: /'\s*metric\s*=\s*l2\s*'/i.test(settings) ? 'l2' : 'cosine',
    partial: /\bwhere\b/i.test(rest),
  };
}

function unquote(name: string): string {
  const [quote] = name;
  if (quote === '[') return name.slice(1, -1);
  if (quote !== '"' && quote !== '`') return name;
  return name.slice(1, -1).replaceAll(quote + quote, quote);
}
