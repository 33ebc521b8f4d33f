// Finds the code in the documentation: which blocks there are and what each is for is told in check-docs.mjs.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

/**
 * @typedef {object} Block
 * @property {string} file the document, relative to the root, with forward slashes
 * @property {number} line the first line of its code, counted from 1
 * @property {string} code the module, with its lines where the document has them
 * @property {boolean} run whether it is executed after it is type-checked
 */

/**
 * @typedef {object} Problem
 * @property {string} file
 * @property {number} line
 * @property {string} message
 */

/**
 * Finds every block of a project.
 *
 * @param {string} root the project's folder
 * @returns {{ blocks: Block[], problems: Problem[] }}
 */
export function findBlocks(root) {
  const found = [
    ...filesUnder(root, ['README.md', 'docs'], '.md').map((file) =>
      documentBlocks(file, linesOf(root, file)),
    ),
    ...filesUnder(root, ['src'], '.ts').map((file) => exampleBlocks(file, linesOf(root, file))),
  ];
  return {
    blocks: found.flatMap(({ blocks }) => blocks),
    problems: found.flatMap(({ problems }) => problems),
  };
}

/**
 * @param {string} file
 * @param {string[]} lines
 * @returns {{ blocks: Block[], problems: Problem[] }}
 */
function documentBlocks(file, lines) {
  /** @type {Block[]} */
  const blocks = [];
  /** @type {Problem[]} */
  const problems = [];
  for (const fence of findFences(lines)) {
    const continues =
      lines
        .slice(0, fence.line - 2)
        .findLast((line) => line.trim() !== '')
        ?.trim() === '<!-- continues -->';
    const previous = blocks.at(-1);
    if (!continues) {
      blocks.push({
        file,
        line: fence.line,
        code: padded(fence.code, fence.line - 1),
        run: fence.info !== 'no-run',
      });
    } else if (previous) {
      previous.code += padded(fence.code, fence.line - previous.code.split('\n').length);
      previous.run &&= fence.info !== 'no-run';
    } else {
      problems.push({ file, line: fence.line, message: 'continues a block, but there is none before it' });
    }
  }
  return { blocks, problems };
}

/**
 * @param {string} file
 * @param {string[]} lines
 * @returns {{ blocks: Block[], problems: Problem[] }}
 */
function exampleBlocks(file, lines) {
  /** @type {Block[]} */
  const blocks = [];
  /** @type {Problem[]} */
  const problems = [];
  for (const example of findExamples(lines)) {
    const fences = findFences(example.lines);
    for (const { code, line } of fences) {
      blocks.push({
        file,
        line: example.line + line - 1,
        code: padded(code, example.line + line - 2),
        run: false,
      });
    }
    if (fences.length === 0)
      problems.push({ file, line: example.line, message: '@example has no ```ts block' });
  }
  return { blocks, problems };
}

/**
 * The text of each `@example` of the TSDoc comments, from its tag to the next tag or the comment's end.
 *
 * @param {string[]} lines
 * @returns {{ line: number, lines: string[] }[]}
 */
function findExamples(lines) {
  /** @type {{ line: number, lines: string[] }[]} */
  const examples = [];
  /** @type {string[] | undefined} */
  let current;
  let fenced = false;
  for (const [index, line] of lines.entries()) {
    const text = /^\s*(?:\/\*)?\*(?!\/) ?(.*)$/.exec(line)?.[1];
    if (text === undefined || (!fenced && /^@\w/.test(text))) current = undefined;
    if (text?.startsWith('@example')) {
      current = [];
      examples.push({ line: index + 1, lines: current });
    }
    if (text === undefined || !current) fenced = false;
    else if (text.startsWith('```')) fenced = !fenced;
    current?.push(text ?? '');
  }
  return examples;
}

/**
 * The fenced blocks in TypeScript of a text in Markdown. Blocks in other languages are passed over whole, so
 * that a fence shown inside one is not taken for a block.
 *
 * @param {string[]} lines
 * @returns {{ line: number, info: string, code: string[] }[]} `line` is that of the first line of code
 */
function findFences(lines) {
  /** @type {{ line: number, info: string, code: string[] }[]} */
  const fences = [];
  for (let index = 0; index < lines.length; index++) {
    const [, indent = '', ticks, language, info = ''] =
      /^(\s*)(`{3,})(\S*)\s*(.*?)\s*$/.exec(lines[index] ?? '') ?? [];
    if (!ticks) continue;
    const start = index + 1;
    while (++index < lines.length && lines[index]?.trim() !== ticks);
    const code = lines
      .slice(start, index)
      .map((line) => (line.startsWith(indent) ? line.slice(indent.length) : line));
    if (language === 'ts') fences.push({ line: start + 1, info, code });
  }
  return fences;
}

/**
 * @param {string[]} code
 * @param {number} before how many line ends come before it
 * @returns {string}
 */
function padded(code, before) {
  return '\n'.repeat(before) + code.join('\n');
}

/**
 * @param {string} root
 * @param {string[]} places files and folders, relative to the root; those that do not exist are passed over
 * @param {string} extension
 * @returns {string[]} relative to the root, with forward slashes
 */
function filesUnder(root, places, extension) {
  return places
    .filter((place) => existsSync(path.join(root, place)))
    .flatMap((place) => {
      if (place.endsWith(extension)) return [place];
      const files = readdirSync(path.join(root, place), { recursive: true, encoding: 'utf8' });
      return files.map((file) => path.join(place, file).split(path.sep).join('/'));
    })
    .filter((file) => file.endsWith(extension))
    .toSorted();
}

/**
 * @param {string} root
 * @param {string} file
 * @returns {string[]}
 */
function linesOf(root, file) {
  return readFileSync(path.join(root, file), 'utf8').split(/\r?\n/);
}
