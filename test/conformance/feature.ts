import { afterAll, beforeAll, expect, it } from 'vitest';
import { findDatabaseError } from '../../src/errors.js';
import {
  CapabilityError,
  type Config,
  ConfigError,
  type Database,
  type Transaction,
} from '../../src/index.js';
import type { BuilderUnderTest, Client, RootSession, Session } from './builders.js';
import { SCHEMA } from './schema.js';
import type { OpenTarget, Target } from './targets.js';

/** One database for all features of a theme, since they need not be alone on it. */
export interface FeatureScene {
  readonly target: Target;
  readonly builder: BuilderUnderTest;
  /** The database through the builder. */
  readonly db: RootSession;
  readonly opened: OpenTarget;
  readonly database: Database;
}

/** Opens the database before the first test of a `describe`, with the tables of `schema.ts`. */
export function shareScene(target: Target, builder: BuilderUnderTest): () => FeatureScene {
  let scene: FeatureScene | undefined;
  let opened: OpenTarget | undefined;
  beforeAll(async () => {
    opened = await target.open();
    await opened.database.script(SCHEMA);
    scene = { target, builder, opened, database: opened.database, db: builder.on(opened.database) };
  });
  afterAll(() => opened?.close());
  return () => scene as FeatureScene;
}

/** The root client of a builder. */
export async function databaseOf(db: RootSession): Promise<Database> {
  return (await db.client()) as Database;
}

/** The client of a builder inside a transaction. */
export async function transactionOf(tx: Session): Promise<Transaction> {
  return (await tx.client()) as Transaction;
}

/** Where a feature is, and what is done where it is not. */
export interface Feature {
  /** The targets that have it; all unless told. */
  readonly on?: (target: Target) => boolean;
  readonly test: (scene: FeatureScene) => Promise<void>;
  /** Where it can not even be asked for: who hands in a client has configured it. */
  readonly notOn?: (target: Target) => boolean;
  /** Uses it where it is missing, which must be a `CapabilityError` at the call, or a `ConfigError` for a config key. */
  readonly use?: (scene: FeatureScene) => Promise<unknown>;
  /** Instead of `use`: the config that asks for it, whose keys have no effect where it is missing. */
  readonly config?: Omit<Config, 'url'>;
}

/**
 * A test of a feature of the model systems. The title begins with its id there (`PR-2`); `scripts/features.mjs` makes the
 * list in `docs/features.md` of these titles.
 */
export function feature(
  scene: () => FeatureScene,
  target: Target,
  title: string,
  { on = () => true, notOn = () => false, test, use, config }: Feature,
): void {
  if (notOn(target)) return;
  if (on(target)) {
    it(title, () => test(scene()));
    return;
  }
  if (config !== undefined) {
    it(`${title} (missing: the key has no effect)`, async () => {
      const { database, close } = await target.open(config);
      expect(database.describe().keysWithoutEffect).toEqual(expect.arrayContaining(Object.keys(config)));
      await close();
    });
    return;
  }
  if (use === undefined) throw new Error(`"${title}" does not say how it is missing`);
  it(`${title} (missing: a capability error)`, async () => {
    const thrown = await use(scene()).then(
      () => new Error('it did not fail'),
      (error: unknown) => error,
    );
    const error = findDatabaseError(thrown) ?? thrown;
    expect([CapabilityError.name, ConfigError.name]).toContain((error as Error).name);
  });
}

/** Where statements that write run in this process. */
export const isLocal = ({ features }: Target): boolean => features.writes === 'here';
export const isFile = ({ features }: Target): boolean => features.rekey === true;
export const isReplica = ({ features }: Target): boolean => features.sync === true;
export const hasFile = ({ features }: Target): boolean => features.copy === true;
/** A client of which only the public methods are known: they describe nothing, set nothing, and round large integers. */
export const isPublicClient = ({ name }: Target): boolean => name === 'client compat';
export const isClient = ({ name }: Target): boolean => name.startsWith('client');

/** A name that no other test uses. */
let last = 0;
export function newName(prefix = 't'): string {
  return `${prefix}_${++last}`;
}

/** Both clients of a builder, one after the other. */
export async function withBoth(db: RootSession, use: (client: Client) => Promise<void>): Promise<void> {
  await use(await db.client());
  await db.transaction(async (tx) => use(await tx.client()));
}
