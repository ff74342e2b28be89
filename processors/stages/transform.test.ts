import { describe, expect, test } from '@jest/globals';
import { probeJson } from '../../test/support/processors/probe-dataset.ts';
import { decoded } from '../../test/support/processors/through-stages.ts';
import type { Item } from './items.ts';
import { transform } from './transform.ts';
import { validate } from './validate.ts';

function transformed(data: Buffer): Item | undefined {
  const [item] = decoded(data);
  return item && transform(validate(item));
}

describe('transform', () => {
  test('gives the output and the identity that the dataset makes', () => {
    expect(transformed(probeJson('fine'))).toMatchObject({
      state: 'transformed',
      id: `fine/${Date.UTC(2026, 5, 1, 11)}`,
      output: { mode: 'fine', at: Date.UTC(2026, 5, 1, 11), text: null },
    });
  });

  test("takes a CloudEvent's own id before the dataset's, which is then not asked", () => {
    const data = JSON.parse(probeJson('id throws').toString());
    const event = { specversion: '1.0', id: 'e1', source: 'urn:a', type: 'probe', data };

    expect(transformed(Buffer.from(JSON.stringify(event)))).toMatchObject({ state: 'transformed', id: 'e1' });
  });

  test.each([
    ['throws', 'transform to return', 'RangeError: too much'],
    ['throws no error', 'transform to return', 'text'],
    ['getter throws', 'transform to return', 'Error: no text'],
    ['id throws', 'id to return', 'Error: no id'],
    ['id gives a number', 'id to return', 'TypeError: received number 7, allowed: a string'],
  ])('makes a failure of the record where the dataset %s', (mode, expected, received) => {
    expect(transformed(probeJson(mode))).toMatchObject({
      state: 'failed',
      failure: { stage: 'transform', code: 'TRANSFORM_THREW', expected, received },
    });
  });

  test('keeps the reason of a record that is not wanted', () => {
    expect(transformed(probeJson('drops'))).toMatchObject({ state: 'dropped', reason: 'not wanted' });
  });

  test('finds output that would not convert, by its column', () => {
    expect(transformed(probeJson('bad output'))).toMatchObject({
      state: 'failed',
      failure: { code: 'INVALID_OUTPUT', path: 'at', received: 'number NaN' },
    });
  });
});
