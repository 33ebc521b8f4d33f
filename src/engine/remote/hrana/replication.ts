/**
 * How far the log of the server has come, as its answers tell. Sent with a statement, it has a read replica wait until it has
 * come as far, so that own writes are seen there and reads never go back (sqld 0.24). A primary takes no notice of it.
 */
export class Replication {
  readonly #wanted: boolean;
  #index: bigint | undefined;

  constructor(wanted: boolean) {
    this.#wanted = wanted;
  }

  /** What to send; undefined for nothing. */
  get index(): bigint | undefined {
    return this.#index;
  }

  /** Whether a result comes from a server that has not come as far as was asked for. */
  isBehind(result: unknown, sent: bigint | undefined): boolean {
    const index = indexOf(result);
    return sent !== undefined && index !== undefined && index < sent;
  }

  /**
   * Notes what a result tells.
   *
   * @param sent - what was sent with the request
   */
  note(result: unknown, sent: bigint | undefined): void {
    const index = this.#wanted ? indexOf(result) : undefined;
    if (index === undefined) return;
    // A server that does not wait and is behind is a primary with another log: it was restored from a copy.
    const restored = sent !== undefined && index < sent;
    if (restored || this.#index === undefined || index > this.#index) this.#index = index;
  }
}

/** As a member of a statement or batch, with its comma. */
export function replicationMember(index: bigint | undefined): string {
  return index === undefined ? '' : `,"replication_index":"${index}"`;
}

function indexOf(result: unknown): bigint | undefined {
  const told = (result as { replication_index?: unknown } | null | undefined)?.replication_index;
  const known = typeof told === 'string' ? /^\d{1,20}$/.test(told) : Number.isSafeInteger(told);
  return known ? BigInt(told as string | number) : undefined;
}
