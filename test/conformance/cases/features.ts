import { describe } from 'vitest';
import type { Cases } from '../scene.js';
import { errorFeatures } from './features/errors.js';
import { fileFeatures } from './features/files.js';
import { hookFeatures } from './features/hooks.js';
import { pragmaFeatures } from './features/pragmas.js';
import { searchFeatures } from './features/search.js';
import { statementFeatures } from './features/statements.js';
import { syncFeatures } from './features/sync.js';

/** What the model systems expose below the query builder, named after their inventory. */
export const featureCases: Cases = (target, builder) => {
  describe('statements', () => statementFeatures(target, builder));
  describe('pragmas', () => pragmaFeatures(target, builder));
  describe('files', () => fileFeatures(target, builder));
  describe('hooks', () => hookFeatures(target, builder));
  describe('search', () => searchFeatures(target, builder));
  describe('sync', () => syncFeatures(target, builder));
  describe('errors', () => errorFeatures(target, builder));
};
