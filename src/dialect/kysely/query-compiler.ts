import { type OffsetNode, type SelectQueryNode, SqliteQueryCompiler } from 'kysely';

/** Kysely's compiler for SQLite, with OFFSET without LIMIT, which SQLite does not know. */
export class TursoQueryCompiler extends SqliteQueryCompiler {
  protected override visitOffset(node: OffsetNode): void {
    // Only a select has an offset.
    if ((this.parentNode as SelectQueryNode | undefined)?.limit === undefined) this.append('limit -1 ');
    super.visitOffset(node);
  }
}
