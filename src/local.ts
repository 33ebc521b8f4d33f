import { resolveExtensions } from './config/extensions.js';
import { parseFile, replicaTarget } from './config/file-target.js';
import { installLocalConfig } from './config/local-config.js';
import { toPath } from './config/path.js';
import * as constraintQuestions from './database/constraint-questions.js';
import * as guards from './database/guard.js';
import * as explaining from './database/explain.js';
import * as lazy from './database/lazy.js';
import { installLocalParts } from './database/local-parts.js';
import * as pragmaFunctions from './database/pragma/pragmas.js';
import * as withoutForeignKeys from './database/run-without-foreign-keys.js';
import * as scripts from './database/script.js';
import { importWebSocket, loadLocalEngine } from './engine/local-engines.js';
import { installLocalEngines } from './engine/registry.js';
import { installWebSocket } from './engine/remote/transport/ws-package.js';
import * as decide from './hooks/decide.js';
import { deciding } from './hooks/lazy.js';
import { Watcher } from './hooks/watcher.js';
import { ReplicaHandle } from './sync/replica-handle.js';
import { Syncer } from './sync/syncer.js';

/**
 * Makes known what the entries for Node.js know beyond those for the web: databases with a file or in memory, and, loaded at
 * once, what the others load when it is first asked for. Only entries call it.
 */
export function useLocal(): void {
  installLocalConfig({ parseFile, replicaTarget, resolveExtensions, toPath });
  installLocalEngines(loadLocalEngine);
  installWebSocket(importWebSocket);
  installLocalParts({ ReplicaHandle, Syncer, Watcher });
  deciding.set(decide);
  lazy.constraintQuestions.set(constraintQuestions);
  lazy.explaining.set(explaining);
  lazy.guards.set(guards);
  lazy.pragmaFunctions.set(pragmaFunctions);
  lazy.scripts.set(scripts);
  lazy.withoutForeignKeys.set(withoutForeignKeys);
}
