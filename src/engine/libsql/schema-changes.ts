/** How many statements of this process may have changed a schema. */
let changes = 0;

/** Notes that a statement may have changed the schema of some database. */
export function noteSchemaChange(): void {
  changes++;
}

/** Changes with every {@link noteSchemaChange}. */
export function schemaChanges(): number {
  return changes;
}
