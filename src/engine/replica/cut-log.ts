import { cutLog } from '../libsql/checkpoint.js';
import { openNative } from '../libsql/native.js';

/**
 * Puts the log (`-wal`) of a replica into its database and cuts it to nothing, on another thread. While somebody reads
 * what is only in the log it does nothing. The binding (libsql 0.5.29) never cuts it, so it would keep the size that one
 * long read has made it grow to. No sync may be under way.
 */
export async function cutReplicaLog(path: string, encryptionKey: string | undefined): Promise<void> {
  const native = openNative(path, encryptionKey);
  try {
    await cutLog(native);
  } catch {
    // A lock; it is tried again after another sync.
  } finally {
    native.close();
  }
}
