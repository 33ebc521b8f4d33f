import { channel } from '../runtime.js';

/**
 * A stream that was read in part, neither to its end nor closed, and that nothing refers to any more. Published on the
 * channel `turso-dialect:abandoned` of `node:diagnostics_channel` when it is closed: until then, which is when the garbage
 * collector finds it, it kept a connection and its snapshot. Leave a `for await` loop, or call `return()`.
 *
 * @example
 * ```ts
 * import { subscribe } from 'node:diagnostics_channel';
 * import type { AbandonedStream } from 'turso-dialect';
 *
 * subscribe('turso-dialect:abandoned', (message) => console.warn((message as AbandonedStream).sql));
 * ```
 */
export interface AbandonedStream {
  readonly sql: string;
}

/** What a stream has open; must not lead to the stream itself. */
export interface HeldSource {
  readonly sql: string;
  source: { close(): Promise<void> } | undefined;
}

const abandoned = channel('turso-dialect:abandoned');

const registry = new FinalizationRegistry<HeldSource>(({ sql, source }) => {
  if (source === undefined) return;
  source.close().catch(() => {});
  const event: AbandonedStream = { sql };
  abandoned.publish(event);
});

/** Closes what a stream has open when the collector finds the stream. */
export function closeWhenAbandoned(stream: object, held: HeldSource): void {
  registry.register(stream, held);
}
