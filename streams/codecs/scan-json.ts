/**
 * Walks JSON bytes without building values: it finds where a text stops being JSON, and where the elements of its
 * outermost array lie.
 *
 * Only failures pay for it. `JSON.parse` decides what is JSON; this says where, in bytes, since the engine's message
 * names a place for some errors only and quotes the payload. It keeps its own stack, so no depth can overflow it.
 */

/** Where and why bytes are no JSON text (RFC 8259). */
export interface JsonSyntaxError {
  /** Offset in bytes from the start of the text. */
  readonly offset: number;
  readonly expected: string;
}

/** @returns the first syntax error of the text, or `undefined` when it is JSON */
export function findJsonSyntaxError(text: Uint8Array): JsonSyntaxError | undefined {
  return new JsonScanner(text).scan();
}

/**
 * The elements of a JSON array, which must be well-formed.
 *
 * @returns start and end offset of each element, two numbers an element
 */
export function findElementBounds(text: Uint8Array): readonly number[] {
  const scanner = new JsonScanner(text);
  scanner.scan();
  return scanner.elementBounds;
}

const code = (character: string): number => character.charCodeAt(0);
const QUOTE = code('"');
const BACKSLASH = code('\\');
const OPEN_BRACE = code('{');
const CLOSE_BRACE = code('}');
const OPEN_BRACKET = code('[');
const CLOSE_BRACKET = code(']');
const COMMA = code(',');
const COLON = code(':');
const MINUS = code('-');
const ZERO = code('0');
const ESCAPED = new Set([...'"\\/bfnrt'].map(code));
const LITERALS = new Map(['true', 'false', 'null'].map((literal) => [code(literal), [...literal].map(code)]));

class JsonScanner {
  readonly elementBounds: number[] = [];
  private readonly text: Uint8Array;
  private at = 0;
  private error: JsonSyntaxError | undefined;
  /** The open containers, by their opening character. */
  private readonly open: number[] = [];

  constructor(text: Uint8Array) {
    this.text = text;
  }

  scan(): JsonSyntaxError | undefined {
    let isValueComplete = this.startValue();
    while (this.error === undefined) {
      if (isValueComplete) {
        if (this.open.length === 0) break;
        if (this.isOutermostElement()) this.elementBounds.push(this.at);
        isValueComplete = this.afterValue();
      } else {
        isValueComplete = this.startValue();
      }
    }
    this.skipWhitespace();
    if (this.error === undefined && this.at < this.text.length) this.expect('the end of the text');
    return this.error;
  }

  /** Reads a scalar or an empty container whole, or opens a container. True when a value is complete. */
  private startValue(): boolean {
    this.skipWhitespace();
    if (this.isOutermostElement()) this.elementBounds.push(this.at);
    const first = this.text[this.at];
    if (first === OPEN_BRACE) {
      this.open.push(OPEN_BRACE);
      this.at++;
      if (this.take(CLOSE_BRACE)) return this.close();
      return this.key();
    }
    if (first === OPEN_BRACKET) {
      this.open.push(OPEN_BRACKET);
      this.at++;
      return this.take(CLOSE_BRACKET) ? this.close() : false;
    }
    if (first === QUOTE) return this.string();
    if (first === MINUS || this.isDigit()) return this.number();
    return this.literal(first);
  }

  /** Reads what may follow a value in its container. True when that closes the container, itself a value. */
  private afterValue(): boolean {
    const isObject = this.open.at(-1) === OPEN_BRACE;
    if (this.take(isObject ? CLOSE_BRACE : CLOSE_BRACKET)) return this.close();
    if (!this.take(COMMA)) return this.expect(isObject ? "',' or '}'" : "',' or ']'");
    return isObject ? this.key() : false;
  }

  private close(): true {
    this.open.pop();
    return true;
  }

  private isOutermostElement(): boolean {
    return this.open.length === 1 && this.open[0] === OPEN_BRACKET;
  }

  /** Reads a key and its colon; a value has yet to follow, so it is never complete. */
  private key(): false {
    this.skipWhitespace();
    if (this.text[this.at] !== QUOTE) return this.expect('a key in double quotes');
    if (this.string() && !this.take(COLON)) this.expect("':'");
    return false;
  }

  private string(): boolean {
    this.at++;
    for (;;) {
      const byte = this.text[this.at];
      if (byte === undefined) return this.expect('the closing quote of a string');
      if (byte < 0x20) return this.expect('a string without raw control characters');
      this.at++;
      if (byte === QUOTE) return true;
      if (byte === BACKSLASH && !this.escape()) return false;
    }
  }

  private escape(): boolean {
    const byte = this.text[this.at] ?? 0;
    if (ESCAPED.has(byte)) {
      this.at++;
      return true;
    }
    if (byte !== code('u')) return this.expect('one of "\\/bfnrtu after a backslash');
    this.at++;
    for (let i = 0; i < 4; i++) {
      if (!/[0-9a-f]/i.test(String.fromCharCode(this.text[this.at] ?? 0)))
        return this.expect('four hex digits after \\u');
      this.at++;
    }
    return true;
  }

  private number(): boolean {
    if (this.text[this.at] === MINUS) this.at++;
    if (this.text[this.at] === ZERO) this.at++;
    else if (!this.digits()) return false;
    if (this.text[this.at] === code('.')) {
      this.at++;
      if (!this.digits()) return false;
    }
    const exponent = this.text[this.at];
    if (exponent === code('e') || exponent === code('E')) {
      this.at++;
      const sign = this.text[this.at];
      if (sign === MINUS || sign === code('+')) this.at++;
      if (!this.digits()) return false;
    }
    return true;
  }

  private digits(): boolean {
    if (!this.isDigit()) return this.expect('a digit');
    while (this.isDigit()) this.at++;
    return true;
  }

  private isDigit(): boolean {
    const byte = this.text[this.at] ?? 0;
    return byte >= ZERO && byte <= code('9');
  }

  private literal(first: number | undefined): boolean {
    const literal = LITERALS.get(first ?? 0);
    if (literal === undefined) return this.expect('a value');
    for (const character of literal) {
      if (this.text[this.at] !== character) return this.expect(String.fromCharCode(...literal));
      this.at++;
    }
    return true;
  }

  private take(byte: number): boolean {
    this.skipWhitespace();
    if (this.text[this.at] !== byte) return false;
    this.at++;
    return true;
  }

  private skipWhitespace(): void {
    for (;;) {
      const byte = this.text[this.at];
      if (byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09) return;
      this.at++;
    }
  }

  private expect(expected: string): false {
    this.error ??= { offset: this.at, expected };
    return false;
  }
}
