// kysely-codegen writes the types of a database that it reads through our dialect.
import { generate, LibsqlDialect as CodegenDialect } from 'kysely-codegen';
import { Kysely, sql } from 'kysely';
import { TursoDialect } from 'turso-dialect/kysely';

const db = new Kysely({ dialect: new TursoDialect(':memory:') });
await sql`create table users (id integer primary key, name text not null, photo blob, score real)`.execute(
  db,
);
await sql`create view names as select name from users`.execute(db);
const types = await generate({ db, dialect: new CodegenDialect(), outFile: null });
await db.destroy();
console.log(
  `RESULT ${JSON.stringify(types.split('\n').filter((line) => /^ {2}\w|^export interface/.test(line)))}`,
);
