/** JSON text in UTF-8 to a value, or what is wrong with it and where. */
import { isUtf8 } from 'node:buffer';
import { describe } from '../../schemas/describe.ts';
import type { DecodeFault } from './outcomes.ts';
import { describeBytes } from './payload.ts';
import { findJsonSyntaxError } from './scan-json.ts';

export type ParsedJson = { readonly value: unknown } | { readonly fault: DecodeFault };

/** Parses UTF-8 JSON. Never throws, at any depth of nesting: the engine's parser keeps its own stack. */
export function parseJson(data: Buffer, start: number, end: number): ParsedJson {
  const text = data.toString('utf8', start, end);
  // Decoding puts U+FFFD where bytes are no UTF-8; without one there is nothing to check.
  if (text.includes('\ufffd') && !isUtf8(data.subarray(start, end))) {
    const fault: DecodeFault = {
      code: 'INVALID_UTF8',
      expected: 'JSON text in UTF-8',
      received: describeBytes(data, start, end),
      message: 'The payload starts as no binary format does, and it is no UTF-8 text.',
    };
    return { fault };
  }
  try {
    return { value: JSON.parse(text) };
  } catch {
    return { fault: syntaxFault(data, start, end) };
  }
}

function syntaxFault(data: Buffer, start: number, end: number): DecodeFault {
  const error = findJsonSyntaxError(data.subarray(start, end));
  const offset = error?.offset ?? 0;
  const at = start + offset;
  const received = at >= end ? 'the end of the text' : describe(data.toString('utf8', at, Math.min(end, at + 4)));
  const expected = error?.expected ?? 'JSON text';
  return {
    code: 'INVALID_JSON',
    expected,
    received,
    message: `The payload is no JSON text: at byte ${offset} of ${end - start}, ${expected} is missing.`,
  };
}
