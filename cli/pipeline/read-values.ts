/** JSON values of a text, as they come: a value a line, or the lines of an array, or a line that is an array. */
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';

/** @param onBadLine is told of a line that is no JSON, which is passed over */
export async function* readValues(input: Readable, onBadLine: (line: number) => void): AsyncGenerator<unknown> {
  let number = 0;
  for await (const text of createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY })) {
    number += 1;
    const line = text.trim();
    if (line === '' || line === '[' || line === ']') continue;
    const value = parse(line) ?? parse(line.replace(/^\[/, '').replace(/[,\]]$/, ''));
    if (value === undefined) onBadLine(number);
    else if (Array.isArray(value)) yield* value;
    else yield value;
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
