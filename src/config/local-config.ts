import { CapabilityError } from '../errors.js';
import type { Extension, ResolvedExtension } from './extensions.js';
import type { Refusal } from './path.js';
import type { Location, Target } from './target.js';

/** What a config needs for databases with a file, or in memory. */
export interface LocalConfig {
  parseFile(url: string): Location;
  replicaTarget(target: Target, syncUrl: unknown): Location;
  resolveExtensions(extensions: readonly Extension[] | undefined): readonly ResolvedExtension[];
  toPath(given: unknown, refuse: Refusal): string;
}

let installed: LocalConfig | undefined;

/** Makes databases with a file known; only `local.ts` does. */
export function installLocalConfig(parts: LocalConfig): void {
  installed = parts;
}

/** Whether more than servers is known. */
export function knowsFiles(): boolean {
  return installed !== undefined;
}

/** @throws {@link CapabilityError} where only servers are known */
export function localConfig(): LocalConfig {
  if (installed === undefined) throw noFiles();
  return installed;
}

/** The error of the entries for the web. */
export function noFiles(): CapabilityError {
  return new CapabilityError(
    'file',
    'this entry ("…/web", or the one that the bundler chose for an edge or a browser) knows servers only; for a file, a ' +
      'replica or a database in memory import "turso-dialect", "turso-dialect/drizzle" or "turso-dialect/kysely" on Node.js',
  );
}
