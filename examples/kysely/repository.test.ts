import { itIsALibrary } from '../library/contract.js';
import { openLibrary } from './repository.js';

itIsALibrary('the library on Kysely', openLibrary);
