/** Statements that fail, each for a reason of its own, and the schema that they need. */

/** A statement that must fail. */
export interface Mistake {
  readonly name: string;
  readonly sql: string;
  readonly args?: readonly (string | number)[];
  /** The index that SQLite checks first of those that are broken: the one that was made last. */
  readonly index?: string;
  /** Why nobody can know at a server which of two rules with the same message was broken. */
  readonly hidden?: string;
}

/** The schema of every mistake, with the rows that they run into. None of them may change anything. */
export const MISTAKES_SCHEMA = `
  create table log (n);
  create table plain (a, b unique, c not null, unique (a, c));
  insert into plain (rowid, a, b, c) values (1, 1, 1, 1), (2, 2, 2, 2);
  create table ipk (id integer primary key, v unique);
  insert into ipk values (1, 'one'), (2, 'two');
  create table auto (id integer primary key autoincrement, v);
  insert into auto values (1, 'one');
  create table text_pk (d text primary key, e);
  create unique index text_nocase on text_pk (d collate nocase);
  insert into text_pk values ('a', 1), ('Z', 2);
  create table composite (a integer, b text, primary key (a, b));
  create unique index composite_too on composite (a, b);
  insert into composite values (1, 'x'), (2, 'y');
  create table single_pk (a int primary key);
  insert into single_pk values (1);
  create table without_one (k text primary key, v unique) without rowid;
  insert into without_one values ('k', 1), ('l', 2);
  create table without_two (a, b, v, primary key (a, b)) without rowid;
  create unique index without_two_v on without_two (v);
  create unique index without_two_ab on without_two (b, a);
  insert into without_two values (1, 1, 1), (2, 2, 2);
  create table exact (i integer, t text, r real, b blob, n int not null default 0) strict;
  create table indexed (a, b, c);
  create unique index indexed_partial on indexed (a) where b > 10;
  create unique index indexed_lower on indexed (lower(c));
  create unique index indexed_nocase on indexed (b collate nocase, a);
  insert into indexed values (1, 11, 'One'), (2, 'TEXT', 'two');
  create table twice (a, b);
  create unique index twice_all on twice (a);
  create unique index twice_some on twice (a) where b > 0;
  insert into twice values (1, -1), (2, 1);
  create table partial_first (a, b);
  create unique index partial_pos on partial_first (a) where b > 0;
  create unique index partial_neg on partial_first (a) where b < 0;
  insert into partial_first values (1, 1), (2, -1);
  create table "odd name" ("a.b", "c, d" unique, "e""f" unique, check ("a.b" <> 13));
  insert into "odd name" values (1, 1, 1);
  create table checked (n, m, constraint positive check (n > 0), check (m < 10 or m > 20));
  create table parent (id integer primary key, k unique);
  insert into parent values (1, 'k'), (2, 'l');
  create table child (p references parent);
  insert into child values (1);
  create table strict_parent (id integer primary key);
  insert into strict_parent values (1), (2);
  create table strict_child (p references strict_parent on delete restrict);
  insert into strict_child values (1);
  create table late_child (p references parent deferrable initially deferred);
  create table loose (a);
  insert into loose values (5), (5);
  create table wrong_child (a references loose (a));
  create table generated (a, b as (a * 2) stored unique, c as (a + 1) check (c < 100));
  insert into generated (a) values (1);
  create table guarded (a);
  create trigger guarded_abort before insert on guarded when new.a = 1
    begin select raise(abort, 'no ones'); end;
  create trigger guarded_unique after insert on guarded when new.a = 4
    begin insert into ipk values (1, 'again'); end;
  create trigger guarded_check after insert on guarded when new.a = 5
    begin insert into checked values (-1, 1); end;
  create table replaced (id integer primary key, u unique, v not null);
  insert into replaced values (1, 1, 1), (2, 2, 2);
  create virtual table words using fts5(w);
  insert into words (rowid, w) values (1, 'one');
  create virtual table places using rtree(id, x0, x1);
  insert into places values (1, 0, 1);
  create view seen as select a from plain;
  create table doubles (a, b);
  create unique index doubles_old on doubles (a);
  create unique index doubles_new on doubles (a);
  create unique index doubles_binary on doubles (b);
  create unique index doubles_nocase on doubles (b collate nocase);
  insert into doubles values (1, 'x');
  create table late_pk (d text primary key, e unique);
  insert into late_pk values ('a', 1), ('A', 2);
  create table rowid_twin (id integer primary key, v);
  create unique index rowid_twin_id on rowid_twin (id);
  insert into rowid_twin values (1, 1);
  create table pk_first (d text collate nocase primary key);
  create unique index pk_first_binary on pk_first (d collate binary);
  insert into pk_first values ('Z');
  create table liar (a);
  create trigger liar_unique before insert on liar when new.a = 1
    begin select raise(abort, 'UNIQUE constraint failed: ipk.id'); end;
  create trigger liar_check before insert on liar when new.a = 2
    begin select raise(abort, 'CHECK constraint failed: positive'); end;
  create table mixed_parent (id integer primary key);
  insert into mixed_parent values (1), (2);
  create table mixed_child (p references mixed_parent);
  insert into mixed_child values (1);
  create table mixed_strict (p references mixed_parent on delete restrict);
  insert into mixed_strict values (2);
  create table two (a, shared);
  create table deux (b, shared);`;

/** Some hundred mistakes. */
export const MISTAKES: readonly Mistake[] = [
  // Uniqueness on every form of table and index.
  { name: 'a unique column', sql: 'insert into plain (a, b, c) values (9, 1, 9)' },
  { name: 'a unique constraint over two columns', sql: 'insert into plain (a, b, c) values (1, 9, 1)' },
  {
    name: 'a unique column, by parameters',
    sql: 'insert into plain (a, b, c) values (?, ?, ?)',
    args: [9, 1, 9],
  },
  { name: 'an update of a unique column', sql: 'update plain set b = 1 where b = 2' },
  { name: 'a rowid', sql: 'insert into plain (rowid, a, b, c) values (1, 9, 9, 9)' },
  { name: 'an update of a rowid', sql: 'update plain set rowid = 1 where rowid = 2' },
  { name: 'an integer primary key', sql: "insert into ipk values (1, 'new')" },
  { name: 'an integer primary key, by an update', sql: 'update ipk set id = 1 where id = 2' },
  { name: 'an integer primary key, with returning', sql: "insert into ipk values (1, 'new') returning id" },
  { name: 'a unique column beside an integer primary key', sql: "insert into ipk values (9, 'one')" },
  { name: 'the second of several rows', sql: "insert into ipk values (9, 'nine'), (1, 'new')" },
  { name: 'an autoincrement key', sql: "insert into auto values (1, 'new')" },
  { name: 'a text primary key', sql: "insert into text_pk values ('a', 9)", index: 'text_nocase' },
  { name: 'a collated index over a primary key', sql: "insert into text_pk values ('z', 9)" },
  {
    name: 'a composite primary key with a twin',
    sql: "insert into composite values (1, 'x')",
    index: 'composite_too',
  },
  {
    name: 'a composite primary key with a twin, by an update',
    sql: 'update composite set a = 1, b = ? where a = 2',
    args: ['x'],
  },
  { name: 'an int primary key, which is no rowid', sql: 'insert into single_pk values (1)' },
  { name: 'a primary key without rowid', sql: "insert into without_one values ('k', 9)" },
  { name: 'a unique column without rowid', sql: "insert into without_one values ('m', 1)" },
  { name: 'a composite primary key without rowid', sql: 'insert into without_two values (1, 1, 9)' },
  { name: 'an index without rowid', sql: 'insert into without_two values (9, 9, 1)' },
  { name: 'a partial index', sql: "insert into indexed values (1, 12, 'new')" },
  { name: 'an expression index', sql: "insert into indexed values (9, 9, 'ONE')" },
  { name: 'a collated index', sql: "insert into indexed values (2, 'text', 'new')" },
  { name: 'a whole index beside a partial one', sql: 'insert into twice values (1, 5)' },
  { name: 'both of two indexes over a column', sql: 'insert into twice values (2, 5)' },
  { name: 'one of two partial indexes over a column', sql: 'insert into partial_first values (1, 5)' },
  { name: 'the other of two partial indexes over a column', sql: 'insert into partial_first values (2, -5)' },
  { name: 'a column with a comma', sql: 'insert into "odd name" values (9, 1, 9)' },
  { name: 'a column with a quote', sql: 'insert into "odd name" values (9, 9, 1)' },
  { name: 'a check of a column with a dot', sql: 'insert into "odd name" values (13, 9, 9)' },
  { name: 'a unique generated column', sql: 'insert into generated (a) values (1)' },
  { name: 'an index that is made over duplicates', sql: 'create unique index late_index on loose (a)' },
  { name: 'a duplicate rowid of fts5', sql: "insert into words (rowid, w) values (1, 'again')" },
  { name: 'a duplicate id of rtree', sql: 'insert into places values (1, 5, 6)' },
  { name: 'a constraint of rtree', sql: 'insert into places values (2, 6, 5)' },
  {
    name: 'an index that is made over what another one allows',
    sql: 'create unique index late on late_pk (d collate nocase)',
  },
  { name: 'two equal indexes', sql: 'insert into doubles values (1, 9)', index: 'doubles_new' },
  {
    name: 'an index that another one covers',
    sql: "insert into doubles values (9, 'x')",
    index: 'doubles_nocase',
  },
  {
    name: 'two equal indexes in an upsert',
    sql: 'insert into doubles values (1, 9) on conflict (b) do nothing',
  },
  { name: 'a rowid with a twin', sql: 'insert into rowid_twin values (1, 2)' },
  {
    name: 'a primary key, beside an index with another collation',
    sql: "insert into pk_first values ('z')",
    hidden: 'the index is checked first, and whether it was broken is a matter of the values',
  },
  {
    name: 'an index with another collation than the primary key',
    sql: "insert into pk_first values ('Z')",
    hidden: 'as before',
  },
  {
    name: 'on delete restrict beside another foreign key',
    sql: 'delete from mixed_parent where id = 2',
    hidden: 'RESTRICT has a code of its own, and which of the two keys was broken is a matter of the rows',
  },
  {
    name: 'a foreign key beside on delete restrict',
    sql: 'delete from mixed_parent where id = 1',
    hidden: 'as before',
  },
  { name: 'a message of a trigger that looks like a unique key', sql: 'insert into liar values (1)' },
  { name: 'a message of a trigger that looks like a check', sql: 'insert into liar values (2)' },
  { name: 'or fail', sql: "insert or fail into ipk values (1, 'new')" },
  {
    name: 'an upsert on another column',
    sql: "insert into ipk values (9, 'one') on conflict (id) do nothing",
  },
  // Other constraints.
  { name: 'not null', sql: 'insert into plain (a, b) values (9, 9)' },
  { name: 'not null, by an update', sql: 'update plain set c = null' },
  { name: 'or replace of null', sql: 'insert or replace into replaced values (3, 3, null)' },
  { name: 'a named check', sql: 'insert into checked values (-1, 1)' },
  { name: 'an unnamed check', sql: 'insert into checked values (1, 15)' },
  { name: 'a check of a generated column', sql: 'insert into generated (a) values (500)' },
  { name: 'a foreign key of a child', sql: 'insert into child values (9)' },
  { name: 'a foreign key of a parent', sql: 'delete from parent where id = 1' },
  { name: 'on delete restrict', sql: 'delete from strict_parent where id = 1' },
  { name: 'a deferred foreign key', sql: 'insert into late_child values (9)' },
  { name: 'a foreign key without its key', sql: 'insert into wrong_child values (1)' },
  { name: 'raise(abort)', sql: 'insert into guarded values (1)' },
  { name: 'a unique constraint in a trigger', sql: 'insert into guarded values (4)' },
  { name: 'a check in a trigger', sql: 'insert into guarded values (5)' },
  { name: 'a strict integer', sql: "insert into exact (i) values ('text')" },
  { name: 'a strict text', sql: "insert into exact (t) values (x'00')" },
  { name: 'a strict not null', sql: 'insert into exact (n) values (null)' },
  // Values.
  { name: 'a datatype mismatch', sql: "insert into ipk values ('text', 'new')" },
  {
    name: 'a datatype mismatch, by a parameter',
    sql: 'insert into ipk values (?, ?)',
    args: ['text', 'new'],
  },
  { name: 'a limit that is no number', sql: "select 1 limit 'x'" },
  { name: 'a value that is too big', sql: 'select length(zeroblob(1000000001))' },
  { name: 'integer overflow', sql: 'select abs(-9223372036854775807 - 1)' },
  {
    name: 'the sum of integers',
    sql: 'select sum(x) from (select 9223372036854775807 as x union all select 1)',
  },
  { name: 'malformed json', sql: "select json('{')" },
  { name: 'a bad json path', sql: "select json_extract('{}', 'x')" },
  { name: 'a pattern that is too long', sql: "select 'a' like hex(zeroblob(60000))" },
  { name: 'an escape of two characters', sql: "select 'a' like 'b' escape 'cc'" },
  { name: 'a fts5 query', sql: `select * from words where words match '"'` },
  { name: 'a step of zero', sql: "select json_set('{}', '$')" },
  // Names and syntax.
  { name: 'an unknown word', sql: 'selec 1' },
  { name: 'an unknown word in the middle', sql: 'select * frm plain' },
  { name: 'an incomplete statement', sql: 'select 1 +' },
  { name: 'an incomplete insert', sql: 'insert into plain values (1' },
  { name: 'a wrong token', sql: 'select 1 + )' },
  { name: 'a word that is reserved', sql: 'create table group (a)' },
  { name: 'an odd blob', sql: "select x'zz'" },
  { name: 'an unknown character', sql: 'select 1 # 2' },
  { name: 'a number with letters', sql: 'select 12abc' },
  { name: 'a column that is given twice', sql: 'create table again (a, a)' },
  { name: 'a missing table', sql: 'select * from nowhere' },
  { name: 'a missing table in an insert', sql: 'insert into nowhere values (1)' },
  { name: 'a missing table of a schema', sql: 'select * from other.nowhere' },
  { name: 'a missing column', sql: 'select absent from plain' },
  { name: 'a missing column of a table', sql: 'select plain.absent from plain' },
  { name: 'a missing column in an insert', sql: 'insert into plain (absent) values (1)' },
  { name: 'a missing function', sql: 'select absent(1)' },
  { name: 'a missing module', sql: 'create virtual table v using absent(a)' },
  { name: 'a missing collation', sql: "select 'a' order by 1 collate absent" },
  { name: 'a missing index', sql: 'drop index absent' },
  { name: 'a missing index in a query', sql: 'select * from plain indexed by absent' },
  { name: 'a table that exists', sql: 'create table plain (x)' },
  { name: 'an index that exists', sql: 'create index indexed_lower on plain (a)' },
  { name: 'a view that is no table', sql: 'drop table seen' },
  { name: 'a write to a view', sql: 'insert into seen values (1)' },
  { name: 'a write to a generated column', sql: 'insert into generated (b) values (1)' },
  { name: 'a write to the schema', sql: "insert into sqlite_schema (name) values ('x')" },
  { name: 'a table with a reserved name', sql: 'create table sqlite_mine (a)' },
  { name: 'an ambiguous column', sql: 'select shared from two, deux' },
  { name: 'too few values', sql: 'insert into plain values (1)' },
  { name: 'values for columns', sql: 'insert into plain (a, b) values (1, 2, 3)' },
  { name: 'rows of two lengths', sql: 'values (1), (1, 2)' },
  { name: 'a union of two widths', sql: 'select 1 union select 1, 2' },
  { name: 'a subquery of two columns', sql: 'select (select 1, 2)' },
  { name: 'an argument too many', sql: 'select abs(1, 2)' },
  { name: 'an aggregate in where', sql: 'select 1 from plain where count(*) > 1' },
  { name: 'a window function without over', sql: 'select row_number() from plain' },
  { name: 'order by a term out of range', sql: 'select 1 order by 5' },
  {
    name: 'a conflict target without an index',
    sql: 'insert into plain values (1, 1, 1) on conflict (c) do nothing',
  },
  { name: 'a last column that is dropped', sql: 'alter table loose drop column a' },
  { name: 'not null added without a default', sql: 'alter table plain add column d not null' },
];
