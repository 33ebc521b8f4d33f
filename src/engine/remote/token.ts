import { type AuthToken, checkToken } from '../../config.js';
import { AuthError } from '../../errors.js';

/** How long before its end a token is not used any more, in ms; one that lives shorter is used for half of its life. */
const MARGIN = 30_000;

/** How long a refused token that was given once more is believed to be all there is, in ms. */
const ASKED_AGAIN_AFTER = 1_000;

/**
 * Gives the token for the next request, and asks for another in time. However many ask, one question is under way. Only
 * the age of a token is measured by the clock of the day; everything else by one that nobody sets.
 */
export class TokenSource {
  readonly #source: AuthToken | undefined;
  #token: string | undefined;
  #renewAt = Infinity;
  #asking: Promise<string | undefined> | undefined;
  #refused: { readonly token: string | undefined; readonly at: number } | undefined;

  constructor(source: AuthToken | undefined) {
    this.#source = source;
    if (typeof source === 'string') this.#token = source;
  }

  /** Whether there may be another token than the one that was refused. */
  get renewable(): boolean {
    return typeof this.#source === 'function';
  }

  /** The token, where it never changes. */
  get fixed(): string | undefined {
    return this.#token;
  }

  /**
   * The token to use now.
   *
   * @param refused - the one that the server did not take
   * @throws {@link AuthError} when the function of the config fails
   */
  async get(refused?: string): Promise<string | undefined> {
    const source = this.#source;
    if (typeof source !== 'function') return this.#token;
    const now = performance.now();
    // One that was refused and given again may be another by the time of the next request.
    const wasRefused = refused === undefined && this.#refused !== undefined;
    const known = this.#token !== undefined && now < this.#renewAt && !wasRefused;
    const useless = refused !== undefined && this.#token === refused;
    if (known && !useless) return this.#token;
    if (useless && this.#wasGivenAgain(refused, now)) return refused;
    this.#asking ??= this.#ask(source, refused).finally(() => {
      this.#asking = undefined;
    });
    return await this.#asking;
  }

  /** Notes that the server did not take a token, so that the next request asks for another. */
  refuse(token: string | undefined): void {
    if (token !== undefined && token === this.#token) this.#refused = { token, at: performance.now() };
  }

  /** Whether the function has just given the refused token once more, so that many refusals are one question. */
  #wasGivenAgain(refused: string, now: number): boolean {
    return this.#refused?.token === refused && now - this.#refused.at < ASKED_AGAIN_AFTER;
  }

  async #ask(
    source: () => string | Promise<string>,
    refused: string | undefined,
  ): Promise<string | undefined> {
    let given: string;
    try {
      given = await source();
    } catch (cause) {
      throw new AuthError('the function "authToken" of the config has failed', { cause });
    }
    const token = checkToken(given);
    this.#token = token;
    this.#renewAt = token === undefined ? Infinity : performance.now() + usableFor(token);
    this.#refused = token === refused ? { token, at: performance.now() } : undefined;
    return token;
  }
}

/** How long a JWT (RFC 7519 §4.1) is to be used from now on, in ms; for ever, if it does not say. */
function usableFor(token: string): number {
  const { exp, iat } = claimsOf(token);
  if (typeof exp !== 'number') return Infinity;
  let life = exp * 1_000 - Date.now();
  // The clock of this device may be wrong, so that the token seems to be over: then only its own two times count.
  if (life <= 0) life = typeof iat === 'number' ? (exp - iat) * 1_000 : Infinity;
  return Math.max(life - MARGIN, life / 2);
}

function claimsOf(token: string): { readonly exp?: unknown; readonly iat?: unknown } {
  try {
    const [, claims = ''] = token.split('.');
    const parsed: unknown = JSON.parse(atob(claims.replaceAll('-', '+').replaceAll('_', '/')));
    return typeof parsed === 'object' && parsed !== null ? parsed : {};
  } catch {
    return {};
  }
}
