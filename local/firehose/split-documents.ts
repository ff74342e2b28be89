/**
 * Cuts the bytes of a record into its JSON documents: one a line, concatenated without anything between them, spread
 * over lines, or all of these. What is not JSON is broken up to the end of its line, and reading goes on after it.
 */

export type SplitDocument =
  /** `oneLine` is false when there is a line break in it. */
  | {
      readonly kind: 'json';
      readonly value: unknown;
      readonly from: number;
      readonly to: number;
      readonly oneLine: boolean;
    }
  | { readonly kind: 'broken'; readonly from: number; readonly to: number };

export interface DocumentReader {
  /** The document, or what is broken, that begins at `from`, which must not be white space. */
  read(from: number): SplitDocument;
}

const NEWLINE = 10;
const QUOTE = 34;
const BACKSLASH = 92;
/**
 * Times that a document which does not end on its line is looked for in vain. After that only whole lines are: a record
 * of a thousand unclosed braces would otherwise be read a thousand times to its end.
 */
const VAIN_SEARCHES_MAX = 8;

/** @param bytes valid UTF-8 */
export function documentReader(bytes: Buffer): DocumentReader {
  let vainSearches = 0;
  let lineEnd = -1;

  function endOfLine(from: number): number {
    if (lineEnd < from) {
      const newline = bytes.indexOf(NEWLINE, from);
      lineEnd = newline < 0 ? bytes.length : newline;
    }
    return lineEnd;
  }

  function broken(from: number, end: number | undefined): SplitDocument {
    const line = endOfLine(from);
    if (end === undefined || end > line) vainSearches++;
    return { kind: 'broken', from, to: end !== undefined && end < line ? end : line };
  }

  return {
    read(from) {
      if (!opens(bytes[from])) {
        const to = endOfLine(from);
        const scalar = parse(bytes, from, to);
        return scalar ? { kind: 'json', ...scalar, from, to, oneLine: true } : { kind: 'broken', from, to };
      }
      const limit = vainSearches < VAIN_SEARCHES_MAX ? bytes.length : endOfLine(from);
      const end = endOfDocument(bytes, from, limit);
      const document = end && parse(bytes, from, end.at);
      if (!end || !document) return broken(from, end?.at);
      return { kind: 'json', ...document, from, to: end.at, oneLine: !end.newline };
    },
  };
}

/** Position of the first byte from `from` on that is no white space. */
export function startOfDocument(bytes: Buffer, from: number): number {
  let at = from;
  while (at < bytes.length && isSpace(bytes[at])) at++;
  return at;
}

function parse(bytes: Buffer, from: number, to: number): { readonly value: unknown } | undefined {
  try {
    return { value: JSON.parse(bytes.toString('utf8', from, to)) };
  } catch {
    return undefined;
  }
}

function isSpace(code: number | undefined): boolean {
  return code === 32 || code === NEWLINE || code === 13 || code === 9;
}

function opens(code: number | undefined): boolean {
  return code === 123 || code === 91;
}

/** Where the object or array that begins at `from` closes, and whether there is a line break before; undefined when it does not close. */
function endOfDocument(bytes: Buffer, from: number, limit: number): { at: number; newline: boolean } | undefined {
  let depth = 0;
  let newline = false;
  for (let at = from; at < limit; at++) {
    const code = bytes[at];
    if (code === QUOTE) at = endOfString(bytes, at, limit);
    else if (code === 123 || code === 91) depth++;
    else if ((code === 125 || code === 93) && --depth === 0) return { at: at + 1, newline };
    else if (code === NEWLINE) newline = true;
  }
  return undefined;
}

/** Position of the closing quote. */
function endOfString(bytes: Buffer, from: number, limit: number): number {
  let at = from + 1;
  while (at < limit && bytes[at] !== QUOTE) at += bytes[at] === BACKSLASH ? 2 : 1;
  return at;
}
