/** Those of the catalogue, of which every statement needs no more than the names. A test compares the two. */
const OF_CATALOGUE: readonly string[] = (
  'analysis_limit busy_timeout cache_size cell_size_check data_version foreign_keys ' +
  'journal_size_limit max_page_count mmap_size query_only recursive_triggers secure_delete ' +
  'synchronous temp_store trusted_schema wal_autocheckpoint'
).split(' ');

/** Those that no function is made for, which concern a connection nevertheless. */
export const OTHERS_OF_CONNECTION: readonly string[] = [
  ...['automatic_index', 'cache_spill', 'case_sensitive_like', 'checkpoint_fullfsync', 'fullfsync'],
  ...['ignore_check_constraints', 'legacy_alter_table', 'locking_mode', 'read_uncommitted'],
  ...['reverse_unordered_selects', 'threads', 'writable_schema'],
];

const ALL: ReadonlySet<string> = new Set([...OF_CATALOGUE, ...OTHERS_OF_CONNECTION]);

/** Whether a pragma, by the name that SQLite gives it, is a setting of the connection that it is run on. */
export function concernsConnection(name: string): boolean {
  return ALL.has(name);
}
