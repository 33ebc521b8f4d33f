// What a restricted view finds out about a statement: loaded together, see lazy.ts.
export { toExplainable } from '../sql/explainable.js';
export { accessesOf, toInstructions } from './bytecode.js';
export { functionAccesses } from './function-access.js';
export { SCHEMA_QUESTIONS, toSchemaMap } from './schema-map.js';
export { virtualAccesses } from './virtual-accesses.js';
