import { Lazy } from '../lazy.js';

export const statementFacts = new Lazy(() => import('./statement-facts.js'));
