import { onTestFinished } from 'vitest';
import type { Config } from '../../src/index.js';
import type { BuilderUnderTest, Raw, RootSession } from './builders.js';
import { SCHEMA } from './schema.js';
import type { OpenTarget, Target } from './targets.js';

/** A database with the tables of the suite, opened for one test. */
export interface Scene extends OpenTarget {
  /** The database through the builder under test. */
  readonly db: RootSession;
}

/** A theme of the suite. */
export type Cases = (target: Target, builder: BuilderUnderTest) => void;

/** Opens a database with the tables of `schema.ts`, closed when the test ends. */
export async function openScene(
  target: Target,
  builder: BuilderUnderTest,
  config?: Partial<Config>,
): Promise<Scene> {
  const opened = await target.open(config);
  onTestFinished(() => opened.close());
  await opened.database.script(SCHEMA);
  return { ...opened, db: builder.on(opened.database) };
}

/** An operation that is SQL as it is. */
export function raw(sql: string, ...args: unknown[]): Raw {
  return { op: 'raw', sql, args };
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
