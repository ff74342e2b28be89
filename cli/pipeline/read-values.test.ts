import { Readable } from 'node:stream';
import { expect, it } from '@jest/globals';
import { readValues } from './read-values.ts';

async function read(text: string) {
  const bad: number[] = [];
  const values = await Array.fromAsync(readValues(Readable.from([Buffer.from(text)]), (line) => bad.push(line)));
  return { values, bad };
}

it.each([
  ['a value a line, also without a last line end', '{"a":1}\r\n\n{"a":2}\nnull', [{ a: 1 }, { a: 2 }, null]],
  ['the lines of an array', '[\n{"a":1},\n  {"a":[2]}\n]\n', [{ a: 1 }, { a: [2] }]],
  ['an array that begins and ends in the lines of values', '[{"a":1},\n{"a":2}]', [{ a: 1 }, { a: 2 }]],
  ['an array in a line', '[{"a":1},{"a":2}]', [{ a: 1 }, { a: 2 }]],
  ['nothing', '', []],
])('reads %s', async (_, text, values) => {
  expect(await read(text)).toEqual({ values, bad: [] });
});

it('passes over a line that is no JSON, and says which', async () => {
  expect(await read('{"a":1}\n{"a":\n{"a":3}')).toEqual({ values: [{ a: 1 }, { a: 3 }], bad: [2] });
});
