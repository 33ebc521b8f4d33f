import { defineConfig } from 'drizzle-kit';

export default defineConfig({
  dialect: 'sqlite',
  schema: './examples/quickstart/schema.ts',
  out: './examples/quickstart/drizzle',
});
