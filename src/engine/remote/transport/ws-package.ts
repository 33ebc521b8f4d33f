let load: (() => Promise<unknown>) | undefined;

/** Makes the package `ws` known; only `local.ts` does: where there is no Node.js the runtime has a WebSocket. */
export function installWebSocket(importing: () => Promise<unknown>): void {
  load = importing;
}

/** Loads the package `ws`, if it is known. */
export async function wsPackage(): Promise<unknown> {
  return await load?.();
}
