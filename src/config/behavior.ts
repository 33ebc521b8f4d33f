/**
 * How a transaction takes its locks. `deferred`: with its first statement. `immediate`: the write lock at once.
 * `exclusive`: as immediate, and outside WAL no reader either. `concurrent`: optimistic, several writers at a time.
 * `read`: a snapshot in which every write fails.
 */
export type TransactionBehavior = 'deferred' | 'immediate' | 'exclusive' | 'concurrent' | 'read';
