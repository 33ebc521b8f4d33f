import { BOUNDED_FUNCTIONS, REFUSED_FUNCTIONS } from './functions.js';

/** What becomes of a call of one of the engine's functions. */
export type FunctionClass =
  /** Whoever may run SQL may call it, through `restricted()` too. */
  | 'allowed'
  /** The database's own SQL may call it, a restricted view may not. */
  | 'trusted'
  /** Like `trusted`, with an argument that is kept within bounds. */
  | 'bounded'
  /** Nobody may call it. */
  | 'refused';

const names = (text: string): readonly string[] => text.split(' ');

/** What SQLite documents and what neither reaches outside the statement nor takes bytes for a pointer. */
const ALLOWED = [
  // https://www.sqlite.org/lang_corefunc.html
  ...names(
    'abs char coalesce concat concat_ws format glob hex ifnull iif instr length like likelihood likely lower',
  ),
  ...names(
    'ltrim max min nullif octet_length printf quote random randomblob replace round rtrim sign soundex',
  ),
  ...names(
    'sqlite_compileoption_get sqlite_compileoption_used sqlite_source_id sqlite_version substr substring',
  ),
  ...names('trim typeof unhex unicode unlikely upper zeroblob'),
  // https://www.sqlite.org/lang_mathfunc.html
  ...names(
    'acos acosh asin asinh atan atan2 atanh ceil ceiling cos cosh degrees exp floor ln log log10 pi power',
  ),
  ...names('radians sin sinh sqrt tan tanh'),
  // https://www.sqlite.org/lang_datefunc.html
  ...names(
    'current_date current_time current_timestamp date datetime julianday strftime time timediff unixepoch',
  ),
  // https://www.sqlite.org/json1.html
  ...names('-> ->> json json_array json_array_length json_error_position json_extract json_group_array'),
  ...names(
    'json_group_object json_insert json_object json_patch json_quote json_remove json_replace json_set',
  ),
  ...names(
    'json_type json_valid jsonb jsonb_array jsonb_extract jsonb_group_array jsonb_group_object jsonb_insert',
  ),
  ...names('jsonb_object jsonb_patch jsonb_remove jsonb_replace jsonb_set'),
  // https://www.sqlite.org/lang_aggfunc.html and https://www.sqlite.org/windowfunctions.html
  ...names(
    'avg count group_concat string_agg sum total cume_dist dense_rank first_value lag last_value lead',
  ),
  ...names('nth_value ntile percent_rank rank row_number'),
  // https://www.sqlite.org/fts5.html
  ...names('bm25 highlight match snippet'),
  // libSQL's vectors
  ...names(
    'vector vector16 vector1bit vector32 vector64 vector8 vectorb16 vector_distance_cos vector_distance_l2',
  ),
  ...names('vector_extract'),
];

const TRUSTED = [
  // They tell what others wrote on a connection that all share.
  ...names('changes last_insert_rowid last_rows_affected total_changes'),
  // They change how files are encrypted, or show with what.
  ...names('sqlite3mc_codec_data sqlite3mc_config sqlite3mc_config_table sqlite3mc_version sqlite_crypt'),
  // They read tables that they are given by name, or the inside of an index.
  ...names('matchinfo offsets optimize rtreecheck rtreedepth rtreenode'),
  ...names('fts5 fts5_source_id sqlite_log subtype'),
  ...names('geopoly_area geopoly_bbox geopoly_blob geopoly_ccw geopoly_contains_point geopoly_debug'),
  ...names(
    'geopoly_group_bbox geopoly_json geopoly_overlap geopoly_regular geopoly_svg geopoly_within geopoly_xform',
  ),
  // Extensions that libSQL brings with it, SQLite does not document them.
  ...names(
    'atn2 charindex cot coth difference leftstr lower_quartile lsmode median mode proper regexp regexpi',
  ),
  ...names('reverse sha3 square stdev strfilter upper_quartile uuid uuid_blob uuid_str variance'),
];

const CLASSES = new Map<string, FunctionClass>([
  ...ALLOWED.map((name) => [name, 'allowed'] as const),
  ...TRUSTED.map((name) => [name, 'trusted'] as const),
  ...[...BOUNDED_FUNCTIONS].map((name) => [name, 'bounded'] as const),
  ...[...REFUSED_FUNCTIONS].map((name) => [name, 'refused'] as const),
]);

/**
 * What becomes of a call of the function; undefined for one that the engine does not bring with it.
 *
 * @param name - in lower case
 *
 * @example
 * ```ts
 * import { classifyFunction } from './function-classes.js';
 *
 * classifyFunction('json_extract'); // 'allowed'
 * classifyFunction('replicate');    // 'refused'
 * ```
 */
export function classifyFunction(name: string): FunctionClass | undefined {
  return CLASSES.get(name);
}
