// Checks that imports in src/ point down only (see "Layers" in CONTRIBUTING.md).
//
//   node scripts/check-layers.mjs [--src <folder>]
//
// Every static import, re-export, dynamic import, `require()` and `import('…')` type of every file is
// resolved and compared with the table below. Type-only imports count like any other: a layer that needs
// the types of an upper one is as tied to it as one that needs its code.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { parseSync, Visitor } from 'oxc-parser';

/**
 * @typedef {object} Layer
 * @property {string} name
 * @property {RegExp} files which files of src/ belong to it (paths with forward slashes)
 * @property {RegExp[]} may which other files of src/ it may import
 */

/**
 * @typedef {object} ImportSite
 * @property {string} specifier
 * @property {number} offset
 * @property {boolean} lazy true when nothing is loaded with the file itself: a type, or `import()`
 */

const LEAVES =
  /^(base64|config|errors|features|hints|options|realm|result-codes|values|lru-cache|secret|runtime|lazy)\.ts$|^(config|sql)\//;
const DATABASE = /^(database|sync|hooks)\//;
const CLIENT = /^client\//;
const LIBRARIES = /^(pragma|vector|schema)\//;
const CONTRACT = /^engine\/engine\.ts$/;
const REGISTRY = /^engine\/(registry|local-engines)\.ts$/;
/** What the entries for Node.js know beyond those for the web. */
const LOCAL = /^local\.ts$/;
const WS = /^engine\/remote\/transport\/ws-package\.ts$/;
/** Who may ask for the kind of a database; everybody else asks for its features. */
const KNOWS_KINDS = /^(config|features|engine\/registry)\.ts$|^config\//;

/** @type {Layer[]} */
const LAYERS = [
  { name: 'leaf', files: LEAVES, may: [LEAVES] },
  { name: 'engine', files: /^engine\//, may: [LEAVES, /^engine\//] },
  { name: 'database', files: DATABASE, may: [LEAVES, DATABASE, CONTRACT, REGISTRY] },
  { name: 'library', files: LIBRARIES, may: [LEAVES, DATABASE, LIBRARIES] },
  {
    name: 'Drizzle dialect',
    files: /^dialect\/drizzle\//,
    may: [LEAVES, DATABASE, LIBRARIES, CLIENT, LOCAL, /^dialect\/drizzle\//],
  },
  {
    name: 'Kysely dialect',
    files: /^dialect\/kysely\//,
    may: [LEAVES, DATABASE, LIBRARIES, LOCAL, /^dialect\/kysely\//],
  },
  { name: 'client', files: CLIENT, may: [LEAVES, DATABASE, LOCAL, CLIENT] },
  { name: 'root entry', files: /^(index|web)\.ts$/, may: [LEAVES, DATABASE, CONTRACT, LOCAL, /^web\.ts$/] },
  { name: 'local parts', files: LOCAL, may: [LEAVES, DATABASE, CONTRACT, REGISTRY, WS] },
  { name: 'testing', files: /^testing(\.ts$|\/)/, may: [LEAVES, DATABASE, LIBRARIES, /^testing\//] },
];

/** Packages that only some folders may name. */
const PACKAGES = [
  {
    packages: /^(libsql|@libsql\/[^/]+|@tursodatabase\/[^/]+)(\/|$)/,
    only: /^engine\//,
    what: 'a driver package',
    where: 'src/engine/',
  },
  {
    packages: /^drizzle-[a-z]+(\/|$)/,
    only: /^dialect\/drizzle\//,
    what: 'a Drizzle package',
    where: 'src/dialect/drizzle/',
  },
  {
    packages: /^kysely(\/|$)/,
    only: /^dialect\/kysely\//,
    what: 'a Kysely package',
    where: 'src/dialect/kysely/',
  },
];

/**
 * Checks every file of a source folder.
 *
 * @param {string} src the folder
 * @returns {string[]} one `file:line: rule` a violation
 */
export function checkLayers(src) {
  return sourceFiles(src).flatMap((file) => checkFile(src, file));
}

/**
 * @param {string} src
 * @param {string} file relative to src, with forward slashes
 * @returns {string[]}
 */
function checkFile(src, file) {
  const text = readFileSync(path.join(src, file), 'utf8');
  const layer = LAYERS.find(({ files }) => files.test(file));
  if (!layer) return [`${file}:1: belongs to no layer; add it to LAYERS in scripts/check-layers.mjs`];

  const { program, sites, errors } = findImports(file, text);
  const problems = sites.flatMap((site) => {
    const rule = brokenRule(src, file, layer, site);
    return rule ? [{ offset: site.offset, rule }] : [];
  });
  const kinds = KNOWS_KINDS.test(file)
    ? []
    : findKinds(program).map((offset) => ({ offset, rule: ASKS_FOR_KIND }));
  return [...errors, ...problems, ...kinds]
    .toSorted((a, b) => a.offset - b.offset)
    .map(({ offset, rule }) => `${file}:${text.slice(0, offset).split('\n').length}: ${rule}`);
}

/**
 * @param {string} src
 * @param {string} file
 * @param {Layer} layer
 * @param {ImportSite} site
 * @returns {string | undefined}
 */
function brokenRule(src, file, layer, { specifier, lazy }) {
  if (!specifier.startsWith('.')) return brokenPackageRule(file, specifier);

  const target = resolve(src, file, specifier);
  if (!target) return `'${specifier}' is not a file of src/`;
  if (!layer.may.some((allowed) => allowed.test(target))) {
    return `a file of the ${layer.name} layer must not import '${target}'`;
  }
  if (REGISTRY.test(file) && !lazy && /^engine\/[^/]+\//.test(target)) {
    return `the registry must load '${target}' with import(), so that an engine loads only when it is used`;
  }
  return undefined;
}

/**
 * @param {string} file
 * @param {string} specifier
 * @returns {string | undefined}
 */
function brokenPackageRule(file, specifier) {
  if (specifier.startsWith('turso-dialect')) return `'${specifier}' is this package: import the file`;
  const rule = PACKAGES.find(({ packages, only }) => packages.test(specifier) && !only.test(file));
  return rule && `'${specifier}' is ${rule.what}: only ${rule.where} may import it`;
}

/**
 * The file that a relative specifier means: `./a.js` is written for `./a.ts`.
 *
 * @param {string} src
 * @param {string} file
 * @param {string} specifier
 * @returns {string | undefined} relative to src; undefined when there is none
 */
function resolve(src, file, specifier) {
  const target = path.posix.join(path.posix.dirname(file), specifier).replace(/\.js$/, '.ts');
  return !target.startsWith('..') && existsSync(path.join(src, target)) ? target : undefined;
}

/**
 * @param {string} file
 * @param {string} text
 * @returns {{ program: import('oxc-parser').Program, sites: ImportSite[], errors: { offset: number, rule: string }[] }}
 */
function findImports(file, text) {
  const { program, errors } = parseSync(file, text);
  /** @type {ImportSite[]} */
  const sites = [];
  /** @type {{ offset: number, rule: string }[]} */
  const problems = errors.map((error) => ({ offset: error.labels[0]?.start ?? 0, rule: error.message }));

  /** @type {(source: import('oxc-parser').Expression, lazy: boolean) => void} */
  const add = (source, lazy) => {
    const specifier = literal(source);
    if (specifier === undefined)
      problems.push({ offset: source.start, rule: 'an import must name its file or package literally' });
    else sites.push({ specifier, offset: source.start, lazy });
  };

  new Visitor({
    ImportDeclaration: (node) => add(node.source, node.importKind === 'type'),
    ExportAllDeclaration: (node) => add(node.source, node.exportKind === 'type'),
    ExportNamedDeclaration: (node) => node.source && add(node.source, node.exportKind === 'type'),
    ImportExpression: (node) => add(node.source, true),
    TSImportType: (node) => add(node.source, true),
    TSExternalModuleReference: (node) => add(node.expression, false),
    CallExpression: (node) => {
      const [source] = node.arguments;
      if (isRequire(node.callee) && source && source.type !== 'SpreadElement') add(source, true);
    },
  }).visit(program);
  return { program, sites, errors: problems };
}

const ASKS_FOR_KIND =
  'asks for the kind of the database; ask for what it can do (features.ts), so that the next kind is a line there';

/**
 * Where the kind of a database is asked for: `target.kind`, `config.target['kind']`, `const { kind } = config.target`.
 *
 * @param {import('oxc-parser').Program} program
 * @returns {number[]} offsets
 */
function findKinds(program) {
  /** @type {number[]} */
  const found = [];
  new Visitor({
    MemberExpression: (node) => {
      if (nameOf(node) === 'kind' && nameOf(node.object) === 'target') found.push(node.start);
    },
    VariableDeclarator: ({ id, init, start }) => {
      if (id.type === 'ObjectPattern' && init && nameOf(init) === 'target' && takesKind(id))
        found.push(start);
    },
    Property: ({ key, value, start }) => {
      const named = key.type === 'Identifier' && key.name === 'target';
      if (named && value.type === 'ObjectPattern' && takesKind(value)) found.push(start);
    },
  }).visit(program);
  return found;
}

/**
 * @param {{ readonly properties: readonly import('oxc-parser').Node[] }} pattern
 * @returns {boolean}
 */
function takesKind({ properties }) {
  return properties.some(
    (property) =>
      property.type === 'Property' && property.key.type === 'Identifier' && property.key.name === 'kind',
  );
}

/**
 * The last name of a chain: `kind` of `config.target.kind` and of `target['kind']`.
 *
 * @param {import('oxc-parser').Expression | import('oxc-parser').Super} node
 * @returns {string | undefined}
 */
function nameOf(node) {
  if (node.type === 'Identifier') return node.name;
  if (node.type === 'TSAsExpression' || node.type === 'TSNonNullExpression') return nameOf(node.expression);
  if (node.type !== 'MemberExpression') return undefined;
  if (node.computed) return literal(node.property);
  return node.property.type === 'Identifier' ? node.property.name : undefined;
}

/**
 * @param {import('oxc-parser').Expression} callee
 * @returns {boolean} true for `require(…)`, whatever it was named by `createRequire()`, and `createRequire(…)(…)`
 */
function isRequire(callee) {
  if (callee.type === 'Identifier') return /require$/i.test(callee.name) && callee.name !== 'createRequire';
  return (
    callee.type === 'CallExpression' &&
    callee.callee.type === 'Identifier' &&
    callee.callee.name === 'createRequire'
  );
}

/**
 * @param {import('oxc-parser').Expression} node
 * @returns {string | undefined} its text, when it is a plain string
 */
function literal(node) {
  if (node.type === 'Literal' && typeof node.value === 'string') return node.value;
  if (node.type !== 'TemplateLiteral' || node.expressions.length > 0) return undefined;
  return node.quasis[0]?.value.cooked ?? undefined;
}

/**
 * @param {string} src
 * @returns {string[]}
 */
function sourceFiles(src) {
  return readdirSync(src, { recursive: true, encoding: 'utf8' })
    .map((file) => file.split(path.sep).join('/'))
    .filter((file) => /\.[cm]?tsx?$/.test(file))
    .toSorted();
}

function main() {
  const { values } = parseArgs({ options: { src: { type: 'string' } } });
  const src = values.src ?? fileURLToPath(new URL('../src', import.meta.url));
  const problems = checkLayers(src);
  for (const problem of problems) console.error(path.join(path.relative('', src), problem));
  if (problems.length > 0) process.exitCode = 1;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) main();
