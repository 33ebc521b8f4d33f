/** The address of a server over HTTP, without a slash at its end. */
export function httpUrl(url: string, tls: boolean | undefined): string {
  const parsed = new URL(url);
  const secure = /^(https|wss):$/.test(parsed.protocol) || (parsed.protocol === 'libsql:' && tls !== false);
  return `${secure ? 'https' : 'http'}://${parsed.host}${parsed.pathname.replace(/\/$/, '')}`;
}
