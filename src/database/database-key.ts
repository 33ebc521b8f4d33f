/**
 * The key by which a database, and what stands for one, gives the database itself. Unlike `instanceof` it works through a
 * Proxy that makes the database when it is first used.
 */
export const databaseOf: unique symbol = Symbol('turso-dialect:database');
