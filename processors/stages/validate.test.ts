import { describe, expect, test } from '@jest/globals';
import { ARRIVED_AT_MS } from '../../test/support/processors/kinesis-event.ts';
import { probeJson } from '../../test/support/processors/probe-dataset.ts';
import { decoded } from '../../test/support/processors/through-stages.ts';
import type { Item } from './items.ts';
import { validate } from './validate.ts';

const FROM_MS = Date.UTC(2020, 0, 1);
const LATEST_MS = ARRIVED_AT_MS + 3_600_000;

function validated(mode: string, at: number): Item | undefined {
  const [item] = decoded(probeJson(mode, { at }));
  return item && validate(item);
}

describe('validate', () => {
  test.each([FROM_MS, ARRIVED_AT_MS, LATEST_MS])(
    'accepts the event time %d, inside or at an end of the window',
    (at) => {
      expect(validated('fine', at)).toMatchObject({ state: 'valid', eventTimeMs: at });
    },
  );

  test.each([FROM_MS - 1, LATEST_MS + 1])('refuses the event time %d, one millisecond outside', (at) => {
    expect(validated('fine', at)).toMatchObject({
      state: 'failed',
      failure: {
        stage: 'validate',
        code: 'EVENT_TIME_OUTSIDE_WINDOW',
        expected: 'an event time from 2020-01-01 00:00:00.000 to 2026-06-01 13:00:00.000 UTC',
      },
    });
  });

  test('refuses an event time that is no number, and shows it', () => {
    expect(validated('eventTime is NaN', FROM_MS)).toMatchObject({
      state: 'failed',
      failure: { code: 'EVENT_TIME_OUTSIDE_WINDOW', received: 'NaN' },
    });
  });

  test('makes an eventTime that throws a failure of the record', () => {
    expect(validated('eventTime throws', FROM_MS)).toMatchObject({
      state: 'failed',
      failure: { code: 'TRANSFORM_THREW', expected: 'eventTime to return', received: 'Error: no time' },
    });
  });

  test('lets pass untouched what has failed before', () => {
    const [failed] = decoded(Buffer.from('{'));

    expect(failed && validate(failed)).toBe(failed);
  });
});
