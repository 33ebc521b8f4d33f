import { expect, it } from 'vitest';
import { resolveConfig } from '../src/config.js';
import { CapabilityError } from '../src/errors.js';
import { type Features, featuresOf, need } from '../src/features.js';

const KINDS = ['memory', 'file', 'replica', 'remote', 'client'] as const;
const client = {};
const targets = {
  memory: { kind: 'memory', path: ':memory:' },
  file: { kind: 'file', path: 'app.db' },
  replica: { kind: 'replica', path: 'app.db', url: 'http://localhost' },
  remote: { kind: 'remote', url: 'http://localhost' },
  client: { kind: 'client', client },
} as const;

it.each(KINDS)('a %s database gives a reason for each feature that it lacks', (kind) => {
  const features: Features = featuresOf(targets[kind]);
  for (const [name, feature] of Object.entries(features)) {
    if (typeof feature !== 'string' || ['connections', 'reads', 'writes'].includes(name)) continue;
    const ask = (): void => need(features, name as 'copy');
    expect(ask).toThrow(CapabilityError);
    expect(ask).toThrow(feature);
    // A sentence, of the database and not of the kind of its engine.
    expect(feature.split(' ').length, name).toBeGreaterThan(4);
  }
});

it('is part of the config, before a driver is loaded', () => {
  expect(resolveConfig(':memory:').features).toBe(featuresOf(targets.memory));
  expect(resolveConfig({ url: 'file:a.db', syncUrl: 'http://localhost' }).features).toBe(
    featuresOf(targets.replica),
  );
});
