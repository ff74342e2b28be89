import { Readable } from 'node:stream';
import { expect, it } from '@jest/globals';
import { IndentedJsonError, readValues } from './read-values.ts';

async function read(text: string) {
  const bad: string[] = [];
  const found = await Array.fromAsync(readValues(Readable.from([Buffer.from(text)]), (place) => bad.push(place)));
  return { values: found.map(({ value }) => value), places: found.map(({ place }) => place), bad };
}

it.each([
  ['a value a line, also without a last line end', '{"a":1}\r\n\n{"a":2}\nnull', [{ a: 1 }, { a: 2 }, null]],
  ['the lines of an array', '[\n{"a":1},\n  {"a":[2]}\n]\n', [{ a: 1 }, { a: [2] }]],
  ['an array that begins and ends in the lines of values', '[{"a":1},\n{"a":2}]', [{ a: 1 }, { a: 2 }]],
  ['an array in a line', '[{"a":1},{"a":2}]', [{ a: 1 }, { a: 2 }]],
  ['nothing', '', []],
])('reads %s', async (_, text, values) => {
  expect(await read(text)).toMatchObject({ values, bad: [] });
});

it('passes over a line that is no JSON, and says which, by the number that values have', async () => {
  expect(await read('{"a":1}\n{"a":\n\n{"a":3}\n[4,5]')).toEqual({
    values: [{ a: 1 }, { a: 3 }, 4, 5],
    places: ['line 1', 'line 4', 'line 5, value 1', 'line 5, value 2'],
    bad: ['line 2'],
  });
});

it.each([
  ['an object', '{\n  "a": 1\n}\n', 'line 1'],
  ['an array', '[\n  {\n    "a": 1\n  }\n]\n', 'line 2'],
  ['an array whose first object stands beside its bracket', '\n[{\n  "a": 1\n}]\n', 'line 2'],
])('tells a document that is indented over many lines: %s', async (_, text, place) => {
  await expect(read(text)).rejects.toThrow(new IndentedJsonError(`${place} begins an object that it does not end`));
});

it('takes what opens an object after the first value for a bad line', async () => {
  expect(await read('{"a":1}\n{\n{"a":3}')).toMatchObject({ values: [{ a: 1 }, { a: 3 }], bad: ['line 2'] });
});
