/** An HTTP request; always a POST of JSON. */
export interface HttpRequest {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** Ends the request, whether its answer has begun or not. */
  readonly signal: AbortSignal;
}

/** The answer to a request, as soon as its head is there. Either its body is read to the end, or it is cancelled. */
export interface HttpAnswer {
  readonly status: number;
  /** A header by its name in lower case. */
  header(name: string): string | undefined;
  /** The whole body. */
  text(): Promise<string>;
  /** The next piece of the body; undefined at its end. */
  read(): Promise<Uint8Array | undefined>;
  /** Gives up the rest of the body. */
  cancel(): void;
}

/** Sends requests. No redirect is followed. */
export interface HttpTransport {
  /** @throws {@link TransportError} when there is no answer */
  send(request: HttpRequest): Promise<HttpAnswer>;
  /** Closes the connections that are kept for further requests. */
  close(): void;
}

/** There is no answer, or its rest is missing. */
export class TransportError extends Error {
  /** Whether the server may have seen the request. */
  readonly reached: boolean;

  constructor(cause: unknown, reached: boolean) {
    super(cause instanceof Error ? cause.message : 'the request failed', { cause });
    this.reached = reached;
  }
}
