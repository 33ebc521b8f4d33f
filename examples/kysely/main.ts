import { demo } from '../library/demo.js';
import { openLibrary } from './repository.js';

await demo(await openLibrary(':memory:'));
