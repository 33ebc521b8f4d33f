import { type Difference, show } from './compare.js';
import type { Case, Statement, Step } from './statement.js';

/** A difference as text: the seed, all that has to be done to see it, and what is different. */
export function report(
  { seed, setup, steps }: Case,
  { target, path, field, expected, actual, statement }: Difference,
): string {
  return [
    `seed ${seed}, ${target.name}, ${path}: ${field}`,
    ...setup.map((one) => `  ${textOf(one)};`),
    ...steps.flatMap((step) => stepText(step)),
    ...(statement === undefined ? [] : [`  statement: ${textOf(statement)}`]),
    `  SQLite: ${cut(expected)}`,
    `  target: ${cut(actual)}`,
  ].join('\n');
}

function stepText(step: Step): string[] {
  if (step.mode === 'built' || step.mode === 'many') return [`  -- ${step.mode}: ${showAll(step)}`];
  const undo =
    step.mode === 'transaction'
      ? `${step.undo ? ', undone' : ''}${step.nestedFrom === undefined ? '' : `, the rest nested from ${step.nestedFrom}`}`
      : '';
  return [`  -- ${step.mode}${undo}`, ...step.statements.map((one) => `  ${textOf(one)};`)];
}

function textOf({ sql, args }: Statement): string {
  return Object.keys(args).length === 0 ? sql : `${sql}  -- with ${showAll(args)}`;
}

function showAll(value: unknown): string {
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return show(value);
  if (Array.isArray(value)) return `[${value.map(showAll).join(', ')}]`;
  return `{ ${Object.entries(value)
    .map(([key, of]) => `${key}: ${showAll(of)}`)
    .join(', ')} }`;
}

function cut(text: string): string {
  const lines = text
    .split('\n')
    .slice(0, 12)
    .map((line) => line.slice(0, 400));
  return lines.join('\n          ');
}
