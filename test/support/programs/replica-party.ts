// Writes to a replica that others use too, reads it, and tells what was wrong.
import { party } from '../replica-party.js';

const [syncUrl = '', url = '', name = '', ms = '0', rate = '0', config = '{}'] = process.argv.slice(2);

const report = await party(
  { url, syncUrl, ...(JSON.parse(config) as object) },
  { name, ms: Number(ms), pause: Number(rate) },
);
process.send?.(report);
process.disconnect?.();
