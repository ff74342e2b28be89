import { describe, expect, test } from '@jest/globals';
import { RefusedRequest } from './refused-request.ts';
import { readRequest } from './request.ts';

const ID = '0'.repeat(32);

describe('what the Reconcile function is asked', () => {
  test.each([
    [undefined, {}],
    [{}, {}],
    [
      { action: 'reconcile', from: '2026-11-25T07', to: '2026-11-25T09' },
      { fromMs: Date.UTC(2026, 10, 25, 7), toMs: Date.UTC(2026, 10, 25, 10) },
    ],
    [
      { runId: 'run-a', graceMinutes: 30 },
      { runId: 'run-a', graceMs: 1_800_000 },
    ],
    [{ from: null, to: null, runId: null, graceMinutes: 0 }, { graceMs: 0 }],
  ])('is to reconcile: %j', (event, request) => {
    expect(readRequest(event)).toEqual({ action: 'reconcile', request });
  });

  test('by a schedule is to reconcile a day of what has had the time to come to rest', () => {
    const event = { 'detail-type': 'Scheduled Event', source: 'aws.events', detail: {} };

    expect(readRequest(event)).toMatchObject({
      action: 'reconcile',
      request: { graceMs: 3_600_000, lastMs: 86_400_000 },
    });
  });

  test.each([
    [{ id: ID }, { id: ID }],
    [{ id: '3f1c8a52-6d0b-4e97-9a4d-b7e25c90f163' }, { id: '3f1c8a52-6d0b-4e97-9a4d-b7e25c90f163' }],
    [{ position: 'shardId-000000000001:42:0' }, { id: 'shardId-000000000001:42:0' }],
    [{ id: 'shardId-000000000001:42' }, { id: 'shardId-000000000001:42' }],
    [
      { object: 'flights/dt=2001-01-01/x', row: 7 },
      { objectKey: 'flights/dt=2001-01-01/x', row: 7 },
    ],
    [{ object: 'flights/dt=2001-01-01/x' }, { objectKey: 'flights/dt=2001-01-01/x', row: 0 }],
  ])('is to trace: %j', (event, subject) => {
    expect(readRequest({ action: 'trace', ...event })).toEqual({ action: 'trace', subject });
  });

  test.each([
    [{ action: 'mend' }, 'action: received "mend", allowed: reconcile, trace'],
    [{ from: '2026-11-25' }, 'from: received "2026-11-25", allowed: an hour such as 2026-11-25T07, UTC'],
    [{ from: '2026-13-25T00' }, 'from: received "2026-13-25T00"'],
    [
      { from: '2026-11-25T07', to: '2026-11-25T06' },
      'to: received "2026-11-25T06", allowed: an hour from 2026-11-25T07 on',
    ],
    [{ runId: 'x'.repeat(65) }, 'allowed: a text of at most 64 characters'],
    [{ graceMinutes: -1 }, 'graceMinutes: received -1, allowed: a whole number from 0 to 10080'],
    [{ action: 'trace' }, 'id: received nothing, allowed: a _record_id'],
    [{ action: 'trace', id: "' OR 1=1 --" }, 'id: received "\' OR 1=1 --"'],
    [{ action: 'trace', object: 'x', row: 1.5 }, 'row: received 1.5'],
  ])('is refused in one line: %j', (event, message) => {
    expect(() => readRequest(event)).toThrow(message);
    expect(() => readRequest(event)).toThrow(RefusedRequest);
  });
});
