import { Lazy } from '../lazy.js';

export const deciding = new Lazy(() => import('./decide.js'));
