import { useLocal } from '../../local.js';

useLocal();

export * from './web.js';
