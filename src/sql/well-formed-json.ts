const SURROGATE = /\\u[dD][89a-fA-F]/;
/** A pair of escaped surrogates, one alone, or any other escape: each backslash belongs to one match. */
const ESCAPE =
  /\\u[dD][89abAB][\da-fA-F]{2}\\u[dD][c-fC-F][\da-fA-F]{2}|\\u[dD][89a-fA-F][\da-fA-F]{2}|\\[^]/g;
const LONE = 6;

/**
 * Replaces escapes of lone surrogates (`\ud800`) in a JSON text by `\ufffd`, as `String.prototype.toWellFormed` does with
 * the characters. Text that is not JSON stays as it is. Such an escape is valid JSON, but the text that the engine makes
 * of it is not UTF-8: that aborts the process in libsql 0.5.29, and is an HTTP status 500 of sqld 0.24.
 *
 * JSON5 counts as JSON, since SQLite reads it.
 *
 * @example
 * ```ts
 * import { toWellFormedJson } from './well-formed-json.js';
 *
 * toWellFormedJson('{"a":"\\ud800"}');       // {"a":"\ufffd"}
 * toWellFormedJson('{"a":"\\ud83d\\ude00"}'); // as it is
 * toWellFormedJson('write \\ud800');         // as it is
 * ```
 */
export function toWellFormedJson(text: string): string {
  if (!escapesSurrogate(text)) return text;
  const mended = text.replace(ESCAPE, (escape) =>
    escape.length === LONE && SURROGATE.test(escape) ? '\\ufffd' : escape,
  );
  return mended !== text && isJson5(text) ? mended : text;
}

/** What {@link SURROGATE} tells, several times faster on long texts. */
function escapesSurrogate(text: string): boolean {
  const first = text.indexOf('\\');
  if (first < 0) return false;
  for (let at = text.indexOf('\\u', first); at >= 0; at = text.indexOf('\\u', at + 2)) {
    if ((text.charCodeAt(at + 2) | 0x20) === 0x64 && SURROGATE.test(text.slice(at, at + 4))) return true;
  }
  return false;
}

/** What may come next in a JSON text. */
type Expected = 'value' | 'first value' | 'key' | 'colon' | 'comma' | 'nothing';

/** SQLite 3.45 reads no deeper. */
const DEEPEST = 1000;
const BLANK = /(?:\s|\/\*[^]*?\*\/|\/\/.*)*/y;
const WORD = /[^\s{}[\],:"'/]+/y;
const LITERAL =
  /^(?:true|false|null|[-+]?(?:inf(?:inity)?|[qs]?nan|0x[\da-f]+|(?:\d+(?:\.\d*)?|\.\d+)(?:e[-+]?\d+)?))$/i;

/** Whether a text is JSON5, or nearly so: what SQLite takes for JSON is. */
function isJson5(text: string): boolean {
  /** The brackets that are open; true for one of an object. */
  const open: boolean[] = [];
  let expected: Expected = 'value';
  for (let at = skip(BLANK, text, 0); at < text.length; at = skip(BLANK, text, at)) {
    const char = text[at] as string;
    switch (char) {
      case '{':
      case '[':
        if (!isValue(expected) || open.length === DEEPEST) return false;
        open.push(char === '{');
        expected = char === '{' ? 'key' : 'first value';
        at++;
        break;
      case '}':
      case ']':
        // Both may follow a comma, and the bracket that they close.
        if (open.pop() !== (char === '}') || expected === 'colon' || expected === 'value') return false;
        expected = open.length === 0 ? 'nothing' : 'comma';
        at++;
        break;
      case ',':
        if (expected !== 'comma') return false;
        expected = open.at(-1) ? 'key' : 'first value';
        at++;
        break;
      case ':':
        if (expected !== 'colon') return false;
        expected = 'value';
        at++;
        break;
      default: {
        const end = char === '"' || char === "'" ? endOfString(text, at, char) : skip(WORD, text, at);
        if (end === at || !mayStand(text.slice(at, end), expected)) return false;
        expected = expected === 'key' ? 'colon' : open.length === 0 ? 'nothing' : 'comma';
        at = end;
      }
    }
  }
  return expected === 'nothing';
}

function isValue(expected: Expected): boolean {
  return expected === 'value' || expected === 'first value';
}

/** Whether a string or word may stand where a value or a key is expected. */
function mayStand(token: string, expected: Expected): boolean {
  if (expected === 'key') return !/^\d/.test(token);
  return isValue(expected) && (/^["']/.test(token) || LITERAL.test(token));
}

/** The end of what the sticky pattern matches at an index; the index itself where it doesn't. */
function skip(pattern: RegExp, text: string, at: number): number {
  pattern.lastIndex = at;
  return pattern.test(text) ? pattern.lastIndex : at;
}

/** The end of a string that starts at an index; the index itself if it has none. */
function endOfString(text: string, start: number, quote: string): number {
  for (let at = start + 1; at < text.length; at++) {
    const char = text[at];
    if (char === '\\') at++;
    else if (char === quote) return at + 1;
  }
  return start;
}
