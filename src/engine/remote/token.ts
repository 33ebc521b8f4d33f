import { type AuthToken, checkToken } from '../../config.js';
import { AuthError } from '../../errors.js';

/** How long before its end a token is not used any more, in ms. */
const MARGIN = 30_000;

/** Gives the token for the next request, and asks for another in time. However many ask, one question is under way. */
export class TokenSource {
  readonly #source: AuthToken | undefined;
  #token: string | undefined;
  #expires = Infinity;
  #asking: Promise<string | undefined> | undefined;

  constructor(source: AuthToken | undefined) {
    this.#source = source;
    if (typeof source === 'string') this.#token = source;
  }

  /** Whether there may be another token than the one that was refused. */
  get renewable(): boolean {
    return typeof this.#source === 'function';
  }

  /**
   * The token to use now.
   *
   * @param refused - the one that the server did not take
   */
  async get(refused?: string): Promise<string | undefined> {
    const source = this.#source;
    if (typeof source !== 'function') return this.#token;
    const good = this.#token !== undefined && this.#token !== refused && Date.now() < this.#expires - MARGIN;
    if (good) return this.#token;
    this.#asking ??= this.#ask(source).finally(() => {
      this.#asking = undefined;
    });
    return await this.#asking;
  }

  async #ask(source: () => string | Promise<string>): Promise<string | undefined> {
    let given: string;
    try {
      given = await source();
    } catch (cause) {
      throw new AuthError('the function "authToken" of the config has failed', { cause });
    }
    const token = checkToken(given);
    this.#token = token;
    this.#expires = token === undefined ? Infinity : expiryOf(token);
    return token;
  }
}

/** When a JWT expires (RFC 7519 §4.1.4), in ms since the epoch; never, if it does not say. */
function expiryOf(token: string): number {
  try {
    const [, claims = ''] = token.split('.');
    const { exp } = JSON.parse(Buffer.from(claims, 'base64url').toString('utf8')) as { exp?: unknown };
    return typeof exp === 'number' ? exp * 1_000 : Infinity;
  } catch {
    return Infinity;
  }
}
