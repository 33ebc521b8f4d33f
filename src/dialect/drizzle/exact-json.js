import { setOwn } from './row-shape.js';
// An integer token of 16 digits or more, wherever a value may stand. It may also match inside a text, which costs time only.
const LONG_INTEGER = /(?:^|[[,:])\s*-?\d{16,}(?![\d.eE])/;
const TOKEN = /\s*(?:([[\]{},:])|("(?:[^"\\]|\\.)*")|(-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)|(true|false|null))/y;
/**
 * Parses the JSON that SQLite made without rounding: an integer that a `number` can't hold exactly becomes a `bigint`.
 *
 * @param allIntegers - makes every integer a `bigint`, to tell `3` from `3.0`
 * @throws SyntaxError when the text is not JSON
 */
export function parseExactJson(text, allIntegers) {
  if (!allIntegers && !LONG_INTEGER.test(text)) return JSON.parse(text);
  return new Parser(text, allIntegers).parse();
}
class Parser {
  #text;
  #allIntegers;
  #position = 0;
  #token;
  constructor(text, allIntegers) {
    this.#text = text;
    this.#allIntegers = allIntegers;
    this.#token = this.#next();
  }
  parse() {
    const value = this.#value();
    if (this.#text.slice(this.#position).trim() !== '') throw this.#unexpected();
    return value;
  }
  /** Reads the value that starts at the current token and leaves the last token of it current. */
  #value() {
    const [, mark, text, number, word] = this.#token;
    if (text !== undefined) return JSON.parse(text);
    if (number !== undefined) return this.#number(number);
    if (word !== undefined) return JSON.parse(word);
    if (mark === '[') return this.#array();
    if (mark === '{') return this.#object();
    throw this.#unexpected();
  }
  #number(token) {
    const number = Number(token);
    if (/[.eE]/.test(token) || (!this.#allIntegers && Number.isSafeInteger(number))) return number;
    return BigInt(token);
  }
  #array() {
    const items = [];
    if (this.#advance() === ']') return items;
    for (;;) {
      items.push(this.#value());
      if (this.#advance() === ']') return items;
      this.#expect(',');
      this.#advance();
    }
  }
  #object() {
    const object = {};
    if (this.#advance() === '}') return object;
    for (;;) {
      const key = this.#token[2];
      if (key === undefined) throw this.#unexpected();
      this.#advance();
      this.#expect(':');
      this.#advance();
      // A JSON text token parses to a string.
      setOwn(object, JSON.parse(key), this.#value());
      if (this.#advance() === '}') return object;
      this.#expect(',');
      this.#advance();
    }
  }
  /** Goes to the next token; gives its mark if it is one. */
  #advance() {
    this.#token = this.#next();
    return this.#token[1];
  }
  #next() {
    TOKEN.lastIndex = this.#position;
    const token = TOKEN.exec(this.#text);
    if (token === null) throw this.#unexpected();
    this.#position = TOKEN.lastIndex;
    return token;
  }
  #expect(mark) {
    if (this.#token[1] !== mark) throw this.#unexpected();
  }
  #unexpected() {
    return new SyntaxError(`the JSON of a relation is malformed near position ${this.#position}`);
  }
}
