import { expect, it } from 'vitest';
import { PRAGMAS, type PragmaDefinition } from '../../src/database/pragma/catalogue.js';
import { concernsConnection } from '../../src/database/pragma/connection-settings.js';

it('the names that every statement is compared with are those of the catalogue', () => {
  const named = Object.values<PragmaDefinition>(PRAGMAS);
  const found = named.filter(({ name }) => concernsConnection(name)).map(({ name }) => name);
  expect(found).toEqual(named.filter(({ scope }) => scope === 'connection').map(({ name }) => name));
  expect(found).toContain('foreign_keys');
});
