import { describe, expect, test } from '@jest/globals';
import { probeJson } from '../../test/support/processors/probe-dataset.ts';
import { datasetNamed, decoded } from '../../test/support/processors/through-stages.ts';
import type { Item } from './items.ts';
import { score } from './score.ts';
import { transform } from './transform.ts';
import { validate } from './validate.ts';

const FLIGHT = { date: 978_332_100_000, delay: -19, distance: 1797, origin: 'LAX', destination: 'BNA' };

function scored(data: Buffer, threshold: number, defaultDataset?: string): Item | undefined {
  const [item] = decoded(data, defaultDataset);
  return item && score(transform(validate(item)), threshold);
}

describe('score', () => {
  test('passes a record that reaches the threshold exactly, with the rules it broke', () => {
    // Seven of eight rules.
    const data = Buffer.from(JSON.stringify({ ...FLIGHT, distance: 0 }));

    expect(scored(data, 7 / 8, 'flights')).toMatchObject({
      state: 'scored',
      quality: { score: 0.875, failedRules: ['ColumnValues "distance_miles" > 0'] },
    });
  });

  test('refuses one that lies below, naming score and rules', () => {
    const data = Buffer.from(JSON.stringify({ ...FLIGHT, distance: 0 }));

    expect(scored(data, 0.8751, 'flights')).toMatchObject({
      state: 'failed',
      failure: {
        stage: 'score',
        code: 'QUALITY_BELOW_THRESHOLD',
        expected: 'a quality score of at least 0.8751',
        received: '0.875, failed: ColumnValues "distance_miles" > 0',
      },
    });
  });

  test("takes the dataset's own threshold before the pipeline's", () => {
    // The probe asks for 0.5: two thirds suffice, one third does not, whatever the pipeline asks for.
    expect(scored(probeJson('odd'), 1)).toMatchObject({ state: 'scored', quality: { score: 2 / 3 } });
    expect(scored(probeJson('poor'), 0)).toMatchObject({
      state: 'failed',
      failure: { code: 'QUALITY_BELOW_THRESHOLD' },
    });
  });

  test('lets everything pass at threshold 0', () => {
    const data = Buffer.from(
      JSON.stringify({ date: FLIGHT.date, delay: 9999, distance: -1, origin: '', destination: '' }),
    );

    expect(datasetNamed('flights').definition.qualityThreshold).toBeUndefined();
    expect(scored(data, 0, 'flights')).toMatchObject({ state: 'scored' });
  });
});
