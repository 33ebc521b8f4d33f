import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto';

/** A key pair whose tokens a server takes that was started with `publicKey`. */
export interface TokenIssuer {
  readonly publicKey: string;
  /** Signs a token. `seconds`: how long it is valid, negative for one that has expired; `access`: what it allows. */
  token(options?: { readonly seconds?: number; readonly access?: 'ro' | 'rw' }): string;
}

/** Makes an ed25519 key pair. */
export function makeIssuer(): TokenIssuer {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  return {
    publicKey: publicKey.export({ type: 'spki', format: 'pem' }).toString(),
    token: ({ seconds = 3_600, access = 'rw' } = {}) =>
      signToken(privateKey, { a: access, exp: Math.floor(Date.now() / 1_000) + seconds }),
  };
}

function signToken(key: KeyObject, claims: object): string {
  const encode = (part: object): string => Buffer.from(JSON.stringify(part)).toString('base64url');
  const text = `${encode({ alg: 'EdDSA', typ: 'JWT' })}.${encode(claims)}`;
  return `${text}.${sign(null, Buffer.from(text), key).toString('base64url')}`;
}
