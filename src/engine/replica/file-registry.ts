import { SyncError } from '../../errors.js';
import { canonicalPath, inodeOf } from './files.js';
import { SharedFile } from './shared-file.js';

/** Kept on the global object, so that two copies of this package in one process share the files. */
const REGISTRY = Symbol.for('turso-dialect.replicas.1');

const registry: Map<string, SharedFile> = ((globalThis as { [REGISTRY]?: Map<string, SharedFile> })[
  REGISTRY
] ??= new Map());

/**
 * The file at a path, for all who use it; see {@link SharedFile.join}.
 *
 * @param server - its HTTP address
 * @throws {@link SyncError} with code `REPLICA_IN_USE` when it is in use with another server or by another name
 */
export function shareFile(path: string, server: string): SharedFile {
  const name = canonicalPath(path);
  const there = registry.get(name);
  if (there?.server === server) return there;
  if (there?.used) {
    throw new SyncError(`"${path}" is open as the replica of another server in this process`, {
      code: 'REPLICA_IN_USE',
    });
  }
  const inode = inodeOf(name);
  for (const other of registry.values()) {
    if (inode === 0n || other.inode !== inode || other.path === name) continue;
    throw new SyncError(`"${path}" is open under another name, "${other.path}", in this process`, {
      code: 'REPLICA_IN_USE',
    });
  }
  const file = new SharedFile(name, server, forget, there);
  registry.set(name, file);
  return file;
}

function forget(file: SharedFile): void {
  if (registry.get(file.path) === file) registry.delete(file.path);
}
