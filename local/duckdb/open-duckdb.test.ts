import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { type DuckDb, type DuckDbChunk, type DuckDbSession, openDuckDb } from './open-duckdb.ts';

let duckDb: DuckDb;
let session: DuckDbSession;

beforeAll(async () => {
  duckDb = await openDuckDb({ memoryMbMax: 128, threads: 1, spillFolder: path.join(tmpdir(), 'spill') });
  session = await duckDb.session();
});

afterAll(() => {
  session.close();
  duckDb.close();
});

async function chunksOf(sql: string): Promise<readonly DuckDbChunk[]> {
  const chunks: DuckDbChunk[] = [];
  for await (const chunk of (await session.stream(sql)).chunks) chunks.push(chunk);
  return chunks;
}

it('gives a result in chunks of at most 2,048 rows, in order', async () => {
  const chunks = await chunksOf('SELECT x FROM range(5000) t(x)');

  const values = chunks.flatMap((chunk) => Array.from({ length: chunk.rowCount }, (_, index) => chunk.row(index)[0]));

  expect(chunks.every(({ rowCount }) => rowCount > 0 && rowCount <= 2_048)).toBe(true);
  expect(values).toEqual(Array.from({ length: 5_000 }, (_, index) => BigInt(index)));
});

it('gives the columns of a result without rows', async () => {
  const { names, types, chunks } = await session.stream('SELECT 1 AS a, true AS b WHERE false');

  expect([names, types.map(String), await Array.fromAsync(chunks)]).toEqual([['a', 'b'], ['INTEGER', 'BOOLEAN'], []]);
});

it('goes on with the next statement after a result of which the rest was left unread', async () => {
  for await (const _chunk of (await session.stream('SELECT x FROM range(1000000) t(x)')).chunks) break;

  expect((await session.read('SELECT 1')).rows).toEqual([[1]]);
});

it.each([
  ['text', "'abc'", 0],
  ['a list', '[1, 2, 3]', 3],
  ['a list in a list', '[[1, 2], [3]]', 5],
  ['an empty list', '[]', 0],
  ['no list', 'NULL::INTEGER[]', 0],
  ['a map', "MAP(['k', 'l'], [1, 2])", 2],
  ['a map of lists', "MAP(['k', 'l'], [[1, 2, 3], []])", 5],
  ['a struct', "{'a': 1, 'b': 'c'}", 0],
  ['lists in a struct', "{'a': [1, 2], 'b': {'c': [3]}}", 3],
])('counts the members of %s without converting it', async (_claim, value, memberCount) => {
  const [chunk] = await chunksOf(`SELECT ${value} AS v`);

  expect(chunk?.memberCount).toBe(memberCount);
});
