/** Gives a text that changes with the schemas of `main` and `temp`, with what is attached, and with foreign keys. */
export const SCHEMA_STATE =
  "SELECT (SELECT schema_version FROM pragma_schema_version) || ' ' || (SELECT count(*) FROM pragma_database_list) || ' ' || " +
  "(SELECT count(*) || ',' || coalesce(max(rowid), 0) FROM sqlite_temp_schema) || ' ' || " +
  '(SELECT foreign_keys FROM pragma_foreign_keys) AS state';
