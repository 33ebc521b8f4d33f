import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { changedLines, chunks, isNoted, shuffled, staleNotes } from '../../scripts/mutants/choose.mjs';
import { testsFor } from '../../scripts/mutants/map.mjs';
import { mutantsOf } from '../../scripts/mutants/mutate.mjs';

const SOURCE = `
export class Box {
  #open = true;
  close(force: boolean, options?: { wait: number }): void {
    if (this.#open && !force) return;
    try {
      this.#give(force, { wait: options?.wait ?? 10 });
    } finally {
      this.#open = false;
    }
  }
}
`;

/** The text with each mistake of a kind. */
function mistakes(kind: string, source = SOURCE): string[] {
  return mutantsOf('src/box.ts', source)
    .filter((mutant) => mutant.kind === kind)
    .map(({ start, end, text }) => source.slice(0, start) + text + source.slice(end));
}

describe('the mistakes', () => {
  it.each([
    ['condition negated', ['if (!(this.#open && !force)) return;']],
    ['condition never true', ['if (false) return;']],
    ['condition dropped', ['if (true) return;']],
    ['operand dropped', ['if (this.#open) return;']],
    ['operand taken always', ['if (!force) return;']],
    ['return removed', ['if (this.#open && !force) ;']],
    ['finally emptied', ['finally {}\n  }']],
    ['default dropped', ['{ wait: options?.wait }']],
    ['default taken always', ['{ wait: 10 }']],
    ['number changed', ['?? 11']],
    ['boolean changed', ['#open = false;\n  close', 'this.#open = true;\n    }']],
    ['argument not passed on', ['this.#give(force)']],
    ['property not passed on', ['this.#give(force, {  })']],
    ['statement removed', ['try {\n      ;', 'finally {\n      ;']],
  ])('%s', (kind, texts) => {
    const found = mistakes(kind);
    expect(found).toHaveLength(texts.length);
    for (const [i, text] of texts.entries()) expect(found[i]).toContain(text);
  });

  it('say where they are', () => {
    const mutant = mutantsOf('src/box.ts', SOURCE).find(({ kind }) => kind === 'condition dropped');
    expect(mutant).toMatchObject({ line: 5, within: ['close'], was: 'if (this.#open && !force) return;' });
  });

  it('leave the text of an error alone', () => {
    const source = "throw new BusyError(describe('locked'), { code: 5 });";
    expect(mistakes('argument not passed on', source)).toEqual([]);
    expect(mistakes('text emptied', source)).toEqual([]);
    expect(mistakes('property not passed on', source)).toHaveLength(1);
  });
});

describe('the choice', () => {
  it('of a seed is the same each time, and another for another seed', () => {
    const list = Array.from({ length: 50 }, (_, i) => i);
    expect(shuffled(list, 7)).toEqual(shuffled(list, 7));
    expect(shuffled(list, 7)).not.toEqual(shuffled(list, 8));
    expect(shuffled(list, 7).toSorted((a, b) => a - b)).toEqual(list);
  });

  it('of a change has the lines that it added', () => {
    const diff =
      '--- a/src/a.ts\n+++ b/src/a.ts\n@@ -3,0 +4,2 @@\n+x\n+y\n@@ -9 +11 @@\n-x\n+y\n@@ -20,2 +21,0 @@\n-x\n-x\n';
    expect([...changedLines(diff)]).toEqual(['src/a.ts:4', 'src/a.ts:5', 'src/a.ts:11']);
  });

  it('leaves out what is noted as equivalent, and names a note that fits nothing', () => {
    const all = mutantsOf('src/box.ts', SOURCE);
    const mutant = all.find(({ kind }) => kind === 'number changed');
    if (mutant === undefined) throw new Error('no mutant');
    const note = { file: mutant.file, was: mutant.was, is: mutant.is, reason: 'a test' };
    expect(isNoted(mutant, [note])).toBe(true);
    expect(all.filter((other) => isNoted(other, [note]))).toEqual([mutant]);
    expect(staleNotes([note, { ...note, was: 'gone' }], all)).toEqual([{ ...note, was: 'gone' }]);
  });

  it('of tests are those that call the function, the near and quick ones first', () => {
    const mutant = mutantsOf('src/box.ts', SOURCE).find(({ within }) => within[0] === 'close');
    if (mutant === undefined) throw new Error('no mutant');
    const map = {
      failing: [],
      seconds: {
        'test/far.test.ts': 5,
        'test/slow.test.ts': 90,
        'test/box.test.ts': 9,
        'test/else.test.ts': 1,
      },
      calls: {
        'test/far.test.ts': ['src/box.ts:close'],
        'test/slow.test.ts': ['src/box.ts:close'],
        'test/box.test.ts': ['src/box.ts:close'],
        'test/else.test.ts': ['src/box.ts:', 'src/other.ts:close'],
      },
    };
    const tests = testsFor(mutant, map);
    expect(tests).toEqual(['test/box.test.ts', 'test/far.test.ts', 'test/slow.test.ts']);
    expect(chunks(tests, map.seconds, 30)).toEqual([['test/box.test.ts'], ['test/far.test.ts']]);
  });
});

it('every note of an equivalent mistake fits the source and has a reason', () => {
  const url = new URL('../../scripts/mutants/equivalent.json', import.meta.url);
  const notes: { file: string; was: string; is: string; reason: string }[] = JSON.parse(
    readFileSync(url, 'utf8'),
  );
  const stale = notes.filter(
    (note) => staleNotes([note], mutantsOf(note.file, readFileSync(note.file, 'utf8'))).length,
  );
  expect(stale).toEqual([]);
  expect(notes.filter(({ reason }) => reason.length < 15)).toEqual([]);
});
