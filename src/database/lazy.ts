import { Lazy } from '../lazy.js';

export const explaining = new Lazy(() => import('./explain.js'));
export const pragmaFunctions = new Lazy(() => import('./pragma/pragmas.js'));
export const scripts = new Lazy(() => import('./script.js'));
export const constraintQuestions = new Lazy(() => import('./constraint-questions.js'));
export const guards = new Lazy(() => import('./guard.js'));
export const withoutForeignKeys = new Lazy(() => import('./run-without-foreign-keys.js'));
