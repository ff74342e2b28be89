/** JSON values of a text, as they come: a value a line, or the lines of an array, or a line that is an array. */
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';

export interface ReadValue {
  readonly value: unknown;
  /** Where it is: `line 3`, or `line 3, value 2` of a line that is an array. */
  readonly place: string;
}

/** The text is one document, indented over many lines. */
export class IndentedJsonError extends Error {}

/** A line that only opens an object, as indented JSON begins. */
const OPENS_OBJECT = /^\[?\s*\{$/;

/**
 * @param onBadLine is told the place of a line that is no JSON, which is passed over
 * @throws IndentedJsonError when the first value goes on after its line; nothing was given by then
 */
export async function* readValues(input: Readable, onBadLine: (place: string) => void): AsyncGenerator<ReadValue> {
  let number = 0;
  let isFirst = true;
  for await (const text of createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY })) {
    number += 1;
    const line = text.trim();
    if (line === '' || line === '[' || line === ']') continue;
    const place = `line ${number}`;
    if (isFirst && OPENS_OBJECT.test(line))
      throw new IndentedJsonError(`${place} begins an object that it does not end`);
    isFirst = false;
    const value = parse(line) ?? parse(line.replace(/^\[/, '').replace(/[,\]]$/, ''));
    if (value === undefined) onBadLine(place);
    else if (Array.isArray(value)) {
      for (const [index, each] of value.entries()) yield { value: each, place: `${place}, value ${index + 1}` };
    } else yield { value, place };
  }
}

/** @returns undefined for what is no JSON: no JSON text means it */
function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
