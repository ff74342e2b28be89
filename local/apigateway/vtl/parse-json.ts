/** JSON of a client as values of a template: numbers keep what a JavaScript number would lose. */
import { JsonNumber, type VtlValue } from './value.ts';

/** Levels of nesting that are read: the limit that Jackson, Java's reader, has by default. */
export const JSON_DEPTH_MAX = 1_000;

/** What was to be read is no JSON. */
export class UnreadableJson extends Error {}

/** A number with a fraction or an exponent, or one too long to be exact: only then is it worth to look at each. */
const LOSSY_NUMBER = /\d(?:[.eE]|\d{15})/;

/** @throws UnreadableJson saying what is wrong with it */
export function parseJson(text: string): VtlValue {
  return read(text, () => (LOSSY_NUMBER.test(text) ? JSON.parse(text, keepNumbers) : JSON.parse(text)));
}

/** As JavaScript has it. @throws UnreadableJson for the same texts as parseJson */
export function parsePlainJson(text: string): unknown {
  return read(text, (): unknown => JSON.parse(text));
}

function read<Value>(text: string, parse: () => Value): Value {
  const depth = depthOf(text);
  if (depth > JSON_DEPTH_MAX) {
    throw new UnreadableJson(`nesting depth (${depth}) exceeds the maximum allowed (${JSON_DEPTH_MAX})`);
  }
  try {
    return parse();
  } catch (error) {
    throw new UnreadableJson(Error.isError(error) ? error.message : String(error), { cause: error });
  }
}

/** `context.source` is the text that the value was read from (ECMAScript's JSON.parse source text access). */
function keepNumbers(_name: string, value: unknown, context?: { readonly source?: string }): unknown {
  const source = context?.source;
  if (typeof value !== 'number' || source === undefined) return value;
  return Number.isSafeInteger(value) && String(value) === source ? value : new JsonNumber(source);
}

/** Of arrays and objects, read without recursion. Brackets in strings do not count. */
function depthOf(text: string): number {
  let depth = 0;
  let deepest = 0;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) at = endOfString(text, at);
    else if (code === OPEN_LIST || code === OPEN_MAP) deepest = Math.max(deepest, ++depth);
    else if (code === CLOSE_LIST || code === CLOSE_MAP) depth--;
  }
  return deepest;
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPEN_LIST = 0x5b;
const CLOSE_LIST = 0x5d;
const OPEN_MAP = 0x7b;
const CLOSE_MAP = 0x7d;

function endOfString(text: string, open: number): number {
  for (let at = open + 1; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === BACKSLASH) at++;
    else if (code === QUOTE) return at;
  }
  return text.length;
}
