import { writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Target } from '../../differential/outcome.js';
import { runDifferential } from '../../differential/run.js';

/**
 * A differential run. argv: a JSON object with `seed`, `statements`, `minutes`, `folder`, `servers`, `builder`, `patience`,
 * `shown` and `ignored`. Prints each difference and then the figures; fails when there is one.
 */
interface Given {
  readonly seed: number;
  readonly statements?: number;
  readonly minutes?: number;
  readonly folder: string;
  readonly servers?: { readonly http: string; readonly ws: string; readonly primary: string };
  readonly builder?: Target['builder'];
  readonly patience: number;
  readonly shown: number;
  readonly only?: number;
  readonly ignored?: readonly string[];
}

const given = JSON.parse(process.argv[2] ?? '{}') as Given;
const { folder, servers, seed, builder, patience, shown } = given;
const { differences, text } = await runDifferential({
  ...{ places: { folder, servers }, seed, builder, patience, shown },
  ignored: given.ignored ?? [],
  only: given.only,
  statements: given.statements ?? Infinity,
  until: given.minutes === undefined ? Infinity : Date.now() + given.minutes * 60_000,
  print: (line) => console.log(line),
  onBegin: (text) => writeFileSync(path.join(folder, 'under-way'), text),
});
console.log(text);
process.exit(differences === 0 ? 0 : 1);
