import { createRequire } from 'node:module';
import type * as Drizzle from 'drizzle-orm';
import type * as Core from 'drizzle-orm/sqlite-core';

const require = createRequire(import.meta.url);

/** The CommonJS build of drizzle-orm: the same entities from another copy of every class. */
export const other: typeof Drizzle = require('drizzle-orm');

/** Its `sqlite-core`. */
export const otherCore: typeof Core = require('drizzle-orm/sqlite-core');
