/** A slice of the end-to-end benchmark: Avro in KPL aggregates, and every row compared with its input. */
import { describe, expect, it } from '@jest/globals';
import { runE2e } from '../../bench/e2e.ts';

const ROWS = 30_000;

describe('flights put as Avro in KPL aggregates', () => {
  it('come out as they went in: count, sums, minima, maxima, and each row', async () => {
    const { events, errorFiles, comparison } = await runE2e({ rows: ROWS, say: () => undefined });

    expect({ events, errorFiles }).toEqual({ events: ROWS, errorFiles: 0 });
    expect(comparison).toMatchObject({ rows: ROWS, records: ROWS, missing: 0, surplus: 0 });
    expect(comparison.output).toEqual(comparison.input);
    expect(comparison.output[0]).toBe(String(ROWS));
  }, 60_000);
});
