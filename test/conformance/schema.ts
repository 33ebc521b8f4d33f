/** The tables that every builder knows. Keys of rows are column names. */
export const SCHEMA = `
  create table accounts (id integer primary key, name text not null, balance real not null default 0, note text);
  create unique index accounts_name_unique on accounts (name);
  create table entries (
    id integer primary key autoincrement,
    account integer not null references accounts (id) on delete cascade,
    slug text not null,
    parent text not null default '',
    amount integer not null check (amount <> 13)
  );
  create unique index entries_slug_parent_index on entries (slug, parent);
  create table samples (id integer primary key, i integer, r real, t text, b blob, n numeric, a);
  create table "order" ("group" text primary key, "select" integer, "User" text);
`;

/** Columns of each table, in order. */
export const COLUMNS = {
  accounts: ['id', 'name', 'balance', 'note'],
  entries: ['id', 'account', 'slug', 'parent', 'amount'],
  samples: ['id', 'i', 'r', 't', 'b', 'n', 'a'],
  order: ['group', 'select', 'User'],
} as const;

export type TableName = keyof typeof COLUMNS;
