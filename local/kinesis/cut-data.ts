/**
 * Takes the base64 of `Data` members out of a JSON text before it is parsed. A full PutRecords has 14 MB of it, and making
 * a string of the whole and parsing it costs more than all else that is done for the call.
 */
import type { Base64Span } from './base64.ts';

export interface CutBody {
  /** The JSON text with the value of each `Data` replaced by its index in `spans`, as a string. */
  readonly text: string;
  readonly spans: readonly Base64Span[];
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COLON = 0x3a;
const KEY = Buffer.from('Data');

/** Undefined when strings of the text have escapes, which base64 has none of but keys may: it is then for JSON.parse. */
export function cutData(body: Buffer): CutBody | undefined {
  // Without escapes every second quote ends a string, so that none is ever taken for another.
  if (body.indexOf(BACKSLASH) >= 0) return undefined;
  const spans: Base64Span[] = [];
  let text = '';
  let copied = 0;
  for (let open = body.indexOf(QUOTE); open >= 0; ) {
    const close = body.indexOf(QUOTE, open + 1);
    if (close < 0) break;
    let next = close + 1;
    const value = isDataKey(body, open + 1, close) ? stringValue(body, next) : undefined;
    if (value !== undefined) {
      const to = body.indexOf(QUOTE, value);
      if (to < 0) break;
      text += body.toString('utf8', copied, value) + String(spans.length);
      spans.push({ body, from: value, to });
      copied = to;
      next = to + 1;
    }
    open = body.indexOf(QUOTE, next);
  }
  return { text: text + body.toString('utf8', copied), spans };
}

function isDataKey(body: Buffer, from: number, to: number): boolean {
  return to - from === KEY.length && body.compare(KEY, 0, KEY.length, from, to) === 0;
}

/** Where the characters of a member's value begin; undefined when what follows is no colon and string. */
function stringValue(body: Buffer, at: number): number | undefined {
  const colon = skipSpace(body, at);
  if (body[colon] !== COLON) return undefined;
  const quote = skipSpace(body, colon + 1);
  return body[quote] === QUOTE ? quote + 1 : undefined;
}

function skipSpace(body: Buffer, at: number): number {
  let next = at;
  while (body[next] === 0x20 || body[next] === 0x0a || body[next] === 0x0d || body[next] === 0x09) next++;
  return next;
}
