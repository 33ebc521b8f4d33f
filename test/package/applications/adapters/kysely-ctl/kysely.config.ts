import { defineConfig } from 'kysely-ctl';
import { TursoDialect } from 'turso-dialect/kysely';

export default defineConfig({
  dialect: new TursoDialect('file:ctl.db'),
  migrations: { migrationFolder: 'migrations' },
});
