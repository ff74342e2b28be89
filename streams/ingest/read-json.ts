/**
 * JSON documents: the elements of an array, which is the document or lies in it, or, where a document has no array, each
 * document of the text.
 *
 * The text is walked byte by byte and its records are kept as they are written, so that a number keeps its digits; a
 * record that is no JSON is one bad record as long as its brackets and quotes are balanced. Around the records every
 * byte is checked; values beside the path to them are passed over.
 */
import { isUtf8 } from 'node:buffer';
import { describe } from '../../schemas/describe.ts';
import type { ChunkCutter } from './chunk-cutter.ts';
import { cutOversized, cutText, PendingBytes, type RecordReader } from './record-reader.ts';
import { BadObject } from './source-object.ts';

const code = (character: string): number => character.charCodeAt(0);
const QUOTE = code('"');
const BACKSLASH = code('\\');
const OPEN_BRACE = code('{');
const CLOSE_BRACE = code('}');
const OPEN_BRACKET = code('[');
const CLOSE_BRACKET = code(']');
const COMMA = code(',');
const COLON = code(':');

/** What the next byte that is no space begins. */
type Place =
  | 'document'
  | 'key or end'
  | 'key'
  | 'colon'
  | 'value'
  | 'comma or end of object'
  | 'element or end'
  | 'element'
  | 'comma or end of array'
  | 'end of document';

/** What a value is that is walked over. */
type Role = 'record' | 'key' | 'skipped';

/**
 * @param path property names that lead to the array of records from the document; none: the document is the array
 * @returns places are records, from 1
 */
export function createJsonReader(cutter: ChunkCutter, path: readonly string[]): RecordReader {
  return new JsonReader(cutter, path);
}

class JsonReader implements RecordReader {
  readonly #cutter: ChunkCutter;
  readonly #path: readonly string[];
  readonly #pending = new PendingBytes();
  readonly #value = new ValueWalk();
  #place: Place = 'document';
  /** What the value that is walked over is; undefined between values. */
  #role: Role | undefined;
  /** Objects of the path that are open. */
  #level = 0;
  #isOnPath = false;
  #hasArray = false;
  /** Documents are records themselves. */
  #isBare = false;
  #records = 0;
  /** All of the piece is. */
  #isUtf8 = false;
  /** Bytes before the piece. */
  #offset = 0;

  constructor(cutter: ChunkCutter, path: readonly string[]) {
    this.#cutter = cutter;
    this.#path = path;
  }

  write(piece: Buffer): void {
    let at = 0;
    this.#isUtf8 = isUtf8(piece);
    while (at < piece.length) {
      if (this.#role !== undefined) at = this.#walk(piece, at, this.#role);
      else if (isSpace(piece[at])) at += 1;
      else at = this.#step(piece, at);
    }
    this.#offset += piece.length;
  }

  end(): void {
    // Nothing but spaces, or the end of the last document.
    if (this.#role === undefined && (this.#place === 'end of document' || this.#place === 'document')) return;
    const missing =
      this.#role === undefined ? this.#place : `rest of a ${this.#role === 'record' ? 'record' : 'value'}`;
    throw new BadObject(
      `JSON: the text ends early, at byte ${this.#offset}, after ${this.#records} records, allowed: ${missing}`,
    );
  }

  /** Walks on in a value. @returns where reading goes on */
  #walk(piece: Buffer, from: number, role: Role): number {
    const end = this.#value.walk(piece, from);
    if (end < 0) {
      if (role !== 'skipped') this.#pending.add(piece.subarray(from));
      return piece.length;
    }
    this.#endValue(role, piece, from, end);
    return end;
  }

  #endValue(role: Role, piece: Buffer, from: number, end: number): void {
    this.#role = undefined;
    if (role === 'skipped') {
      this.#place = 'comma or end of object';
      return;
    }
    const length = this.#pending.length + end - from;
    let [bytes, start, stop] = [piece, from, end];
    if (this.#pending.length > 0) {
      this.#pending.add(piece.subarray(from, end));
      bytes = this.#pending.take();
      [start, stop] = [0, bytes.length];
    }
    if (role === 'key') {
      this.#isOnPath = stop - start === length && this.#isNextOnPath(bytes.toString('utf8', start, stop));
      this.#place = 'colon';
      return;
    }
    this.#records += 1;
    if (stop - start < length) cutOversized(this.#cutter, this.#records, length, bytes);
    else cutText(this.#cutter, { place: this.#records, isUtf8: bytes === piece && this.#isUtf8 }, bytes, start, stop);
    this.#place = this.#isBare ? 'document' : 'comma or end of array';
  }

  #isNextOnPath(json: string): boolean {
    try {
      return JSON.parse(json) === this.#path[this.#level - 1];
    } catch {
      return false;
    }
  }

  /** The byte at `at` is no space and in no value. */
  #step(piece: Buffer, at: number): number {
    const byte = piece[at];
    switch (this.#place) {
      case 'document':
        return this.#startDocument(byte, piece, at);
      case 'key or end':
      case 'key':
        if (byte === QUOTE) return this.#start('key', at);
        if (byte === CLOSE_BRACE && this.#place === 'key or end') return this.#closeObject(at);
        return this.#refuse(piece, at, this.#place === 'key' ? 'a name in quotes' : 'a name in quotes or }');
      case 'colon':
        if (byte !== COLON) return this.#refuse(piece, at, ':');
        return this.#go('value', at);
      case 'value':
        return this.#startValue(byte, piece, at);
      case 'comma or end of object':
        if (byte === COMMA) return this.#go('key', at);
        return byte === CLOSE_BRACE ? this.#closeObject(at) : this.#refuse(piece, at, ', or }');
      case 'element or end':
        return byte === CLOSE_BRACKET ? this.#closeArray(at) : this.#startElement(byte, piece, at);
      case 'element':
        return this.#startElement(byte, piece, at);
      case 'comma or end of array':
        if (byte === COMMA) return this.#go('element', at);
        return byte === CLOSE_BRACKET ? this.#closeArray(at) : this.#refuse(piece, at, ', or ]');
      case 'end of document':
        return this.#refuse(piece, at, 'the end of the text');
    }
  }

  #startDocument(byte: number | undefined, piece: Buffer, at: number): number {
    if (byte === OPEN_BRACKET && !this.#isBare) return this.#openArray(at);
    if (byte !== OPEN_BRACE) return this.#refuse(piece, at, this.#isBare ? 'another object' : 'an array or an object');
    if (this.#path.length > 0) {
      this.#level = 1;
      return this.#go('key or end', at);
    }
    this.#isBare = true;
    return this.#start('record', at);
  }

  #startValue(byte: number | undefined, piece: Buffer, at: number): number {
    if (!this.#isOnPath) return this.#startElement(byte, piece, at, 'skipped');
    this.#isOnPath = false;
    const names = this.#path.slice(0, this.#level).join('.');
    if (this.#level === this.#path.length) {
      return byte === OPEN_BRACKET ? this.#openArray(at) : this.#refuse(piece, at, `an array of records at ${names}`);
    }
    if (byte !== OPEN_BRACE) return this.#refuse(piece, at, `an object at ${names}`);
    this.#level += 1;
    return this.#go('key or end', at);
  }

  #startElement(byte: number | undefined, piece: Buffer, at: number, role: Role = 'record'): number {
    const isNone = byte === COMMA || byte === COLON || byte === CLOSE_BRACE || byte === CLOSE_BRACKET;
    return isNone ? this.#refuse(piece, at, 'a value') : this.#start(role, at);
  }

  #start(role: Role, at: number): number {
    this.#role = role;
    this.#value.start();
    return at;
  }

  #go(place: Place, at: number): number {
    this.#place = place;
    return at + 1;
  }

  #openArray(at: number): number {
    this.#hasArray = true;
    return this.#go('element or end', at);
  }

  #closeArray(at: number): number {
    return this.#go(this.#level > 0 ? 'comma or end of object' : 'end of document', at);
  }

  #closeObject(at: number): number {
    this.#level -= 1;
    if (this.#level > 0) return this.#go('comma or end of object', at);
    if (!this.#hasArray) {
      throw new BadObject(
        `JSON: received an object without ${this.#path.join('.')}, allowed: one that has its records there`,
      );
    }
    return this.#go('end of document', at);
  }

  #refuse(piece: Buffer, at: number, allowed: string): never {
    const received = describe(piece.toString('latin1', at, at + 1));
    throw new BadObject(
      `JSON: at byte ${this.#offset + at}, after ${this.#records} records, received ${received}, allowed: ${allowed}`,
    );
  }
}

/** Finds the end of one value: its closing bracket or quote, or what follows a number or a word. */
class ValueWalk {
  #depth = 0;
  #isInText = false;
  #isEscaped = false;
  #isStarted = false;

  start(): void {
    this.#depth = 0;
    this.#isInText = false;
    this.#isEscaped = false;
    this.#isStarted = false;
  }

  /** @returns the index behind its last byte, or -1 when it goes on beyond the piece */
  walk(piece: Buffer, from: number): number {
    let depth = this.#depth;
    let isStarted = this.#isStarted;
    let at = from;
    if (this.#isInText) {
      at = this.#endOfText(piece, from);
      if (at < 0) return -1;
      if (depth === 0) return at;
    }
    for (; at < piece.length; at += 1) {
      const byte = piece[at];
      // Most bytes within a record, told by one comparison each.
      if (depth > 0 && byte !== undefined && byte > QUOTE && byte < OPEN_BRACKET && byte !== COLON) continue;
      if (byte === QUOTE) {
        if (depth === 0 && isStarted) return at;
        const end = this.#endOfText(piece, at + 1);
        if (end < 0) break;
        if (depth === 0) return end;
        at = end - 1;
      } else if (byte === OPEN_BRACE || byte === OPEN_BRACKET) {
        if (depth === 0 && isStarted) return at;
        depth += 1;
      } else if (byte === CLOSE_BRACE || byte === CLOSE_BRACKET) {
        if (depth === 0) return at;
        depth -= 1;
        if (depth === 0) return at + 1;
      } else if (depth === 0 && (byte === COMMA || byte === COLON || isSpace(byte))) return at;
      isStarted = true;
    }
    this.#depth = depth;
    this.#isStarted = true;
    return -1;
  }

  /** @returns the index behind the closing quote, or -1 when the text goes on beyond the piece */
  #endOfText(piece: Buffer, from: number): number {
    let isEscaped = this.#isEscaped;
    for (let at = from; at < piece.length; at += 1) {
      if (isEscaped) isEscaped = false;
      else if (piece[at] === BACKSLASH) isEscaped = true;
      else if (piece[at] === QUOTE) {
        this.#isInText = false;
        this.#isEscaped = false;
        return at + 1;
      }
    }
    this.#isInText = true;
    this.#isEscaped = isEscaped;
    return -1;
  }
}

function isSpace(byte: number | undefined): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;
}
