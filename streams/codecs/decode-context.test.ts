import { describe, expect, test } from '@jest/globals';
import { datasets } from '../../schemas/index.ts';
import { createDecodeContext } from './decode-context.ts';

const defaultSource = 'urn:test';

describe('a decode context', () => {
  test('finds datasets by name and by fingerprint', () => {
    const context = createDecodeContext({ datasets: datasets.values(), defaultDataset: 'flights', defaultSource });

    expect([...context.datasetByName.keys()]).toEqual([...datasets.keys()]);
    expect([...context.datasetByFingerprint.keys()].map((key) => key.toString(16).padStart(16, '0'))).toEqual(
      [...datasets.values()].map((dataset) => dataset.schemaVersion),
    );
    expect(context.defaultDataset.name).toBe('flights');
  });

  test('is refused when the default dataset is unknown, and says which are known', () => {
    expect(() => createDecodeContext({ datasets: datasets.values(), defaultDataset: 'quakes', defaultSource })).toThrow(
      'The default dataset "quakes" is unknown; the datasets are "earthquakes", "flights".',
    );
  });

  test('is refused when two datasets share a name or a schema', () => {
    const twice = [...datasets.values(), ...datasets.values()];

    expect(() => createDecodeContext({ datasets: twice, defaultDataset: 'flights', defaultSource })).toThrow(
      'Dataset "earthquakes" has the name or the schema of dataset "earthquakes"; both are unique.',
    );
  });
});
