// Tests import single modules of src/, and any of them may open a file, as with an entry for Node.js.
import { useLocal } from '../../src/local.js';

useLocal();
