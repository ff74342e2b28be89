import { stat } from 'node:fs/promises';
import { describe, expect, test } from '@jest/globals';
import { datasets } from '../../schemas/index.ts';
import { earthquakeFeatures, flights2k, flights3mUrl } from './vega.ts';

describe('the real records', () => {
  test.each([
    ['earthquakes', earthquakeFeatures, 1_707],
    ['flights', flights2k, 2_000],
  ])('of %s conform to their dataset', async (name, source, count) => {
    const failures: unknown[] = [];
    let records = 0;

    for await (const record of source()) {
      records++;
      const failure = datasets.get(name)?.validateInput(record);
      if (failure !== undefined) failures.push(failure);
    }

    expect(failures).toEqual([]);
    expect(records).toBe(count);
  });

  test('of all flights are there', async () => {
    expect((await stat(flights3mUrl())).size).toBeGreaterThan(1_000_000);
  });
});
