import { describe, expect, test } from '@jest/globals';
import { FAILED_EVENTS_COLUMNS } from '../../schemas/columns.ts';
import { FAILURE_TEXT_CHARACTERS_MAX } from '../../schemas/failure.ts';
import { probe, probeJson, probeRecord } from '../../test/support/processors/probe-dataset.ts';
import { decoded, ROUTE_STAGE, rowOf, throughStages } from '../../test/support/processors/through-stages.ts';
import {
  DOCUMENT_BYTES_MAX,
  documentBytes,
  ENVELOPE_TEXT_CHARACTERS_MAX,
  INLINE_PAYLOAD_BYTES_MAX,
  route,
} from './route.ts';

const cloudEvent = (more: object) =>
  Buffer.from(
    JSON.stringify({
      specversion: '1.0',
      id: 'e1',
      source: 'urn:a',
      type: 'probe',
      data: probeRecord('fine'),
      ...more,
    }),
  );

describe('a delivered document', () => {
  test("holds the table's columns, and times as text in UTC", () => {
    const row = rowOf(throughStages(probeJson('fine'))[0]);

    expect(Object.keys(row)).toEqual(probe.columns.map(({ name }) => name));
    expect(row).toMatchObject({
      mode: 'fine',
      at: '2026-06-01 11:00:00.000',
      text: null,
      _event_time: '2026-06-01 11:00:00.000',
      _ingested_at: '2026-06-01 12:00:00.000',
      _processed_at: '2026-06-01 12:00:01.000',
      _source: '/streams/data-pipeline-stream',
      _run_id: null,
      _trace_id: null,
      _schema_version: probe.schemaVersion,
      _quality_score: 1,
      _failed_rules: [],
      _position: 'shardId-000000000000:49590338271490256608559692538361571095921575989136588898:0000000',
    });
    expect(row._record_id).toMatch(/^[0-9a-f]{32}$/);
    expect(row._event_id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  });

  test('carries what its envelope says, escaped', () => {
    const odd = 'quote " back\\slash \u2028 \u0000';
    const traceId = '4bf92f3577b34da6a3ce929d0e0e4736';
    const data = cloudEvent({ source: odd, runid: odd, traceparent: `00-${traceId}-00f067aa0ba902b7-01` });

    expect(rowOf(throughStages(data)[0])).toMatchObject({ _source: odd, _run_id: odd, _trace_id: traceId });
  });

  test('names the rules that it broke', () => {
    expect(rowOf(throughStages(probeJson('odd'))[0])).toMatchObject({
      _quality_score: 2 / 3,
      _failed_rules: ['ColumnValues "mode" != "odd"'],
    });
  });

  test('may fill a Firehose record to its last byte, and is quarantined one byte above', () => {
    const [routed] = throughStages(probeJson('large output', { count: 1_000_000 }));
    const overhead = (routed?.outcome === 'delivered' ? documentBytes(routed.document) : 0) - 1_000_000;
    const fitting = DOCUMENT_BYTES_MAX - overhead;

    expect(throughStages(probeJson('large output', { count: fitting }))).toMatchObject([{ outcome: 'delivered' }]);
    const [tooLarge] = throughStages(probeJson('large output', { count: fitting + 1 }));
    expect(tooLarge).toMatchObject({ outcome: 'quarantined', code: 'OUTPUT_TOO_LARGE' });
    expect(rowOf(tooLarge)).toMatchObject({ stage: 'transform', received: `${DOCUMENT_BYTES_MAX + 1} bytes` });
  });

  test('is a failure of its record when its output cannot be written', () => {
    expect(rowOf(throughStages(probeJson('frozen'))[0])).toMatchObject({
      code: 'TRANSFORM_THREW',
      received: expect.stringContaining('TypeError'),
    });
  });
});

describe('a row of failed_events', () => {
  test("holds the table's columns", () => {
    const row = rowOf(throughStages(Buffer.from('{'))[0]);

    expect(Object.keys(row).sort()).toEqual(FAILED_EVENTS_COLUMNS.map(({ name }) => name).sort());
  });

  test('keeps what is known of the envelope', () => {
    const row = rowOf(throughStages(cloudEvent({ runid: 'run-7', data: { mode: 7 } }))[0]);

    expect(row).toMatchObject({
      dataset: 'probe',
      _source: 'urn:a',
      _run_id: 'run-7',
      code: 'WRONG_TYPE',
      path: 'mode',
    });
  });

  test.each([INLINE_PAYLOAD_BYTES_MAX, INLINE_PAYLOAD_BYTES_MAX + 1])(
    'points to S3 for original bytes above 700,000: %d',
    (bytes) => {
      const data = Buffer.alloc(bytes, '{');
      const [routed] = throughStages(data);
      const row = rowOf(routed);

      const isInline = bytes === INLINE_PAYLOAD_BYTES_MAX;
      const uri = `s3://archive/failed-payloads/${row._record_id}`;
      expect(row).toMatchObject({ payload_bytes: bytes, payload_uri: isInline ? null : uri });
      expect(typeof row.payload).toBe(isInline ? 'string' : 'object');
      const { payload } = routed?.outcome === 'quarantined' ? routed : {};
      expect(payload?.uri).toBe(isInline ? undefined : uri);
      expect(payload?.bytes.equals(data)).toBe(isInline ? undefined : true);
    },
  );

  test('fits a Firehose record whatever a producer writes into its envelope', () => {
    // The worst that JSON makes of a character is six bytes.
    const hostile = '\u0001'.repeat(1_100_000);
    const padding = 'x'.repeat(INLINE_PAYLOAD_BYTES_MAX - 500);
    for (const data of [
      cloudEvent({ source: hostile, id: 7 }),
      cloudEvent({ source: hostile, runid: hostile }),
      cloudEvent({ source: hostile, data: { [hostile]: 1 } }),
      cloudEvent({ id: 7, padding }),
    ]) {
      const [routed] = throughStages(data);
      if (routed?.outcome !== 'quarantined') throw new Error('it was not quarantined');

      expect(documentBytes(routed.document)).toBeLessThanOrEqual(DOCUMENT_BYTES_MAX);
    }
  });

  test('cuts the texts that a producer chooses, and keeps the whole in the original bytes', () => {
    const data = cloudEvent({ id: 7, source: 's'.repeat(5_000), data: { ['k'.repeat(5_000)]: 1 } });
    const row = rowOf(throughStages(data)[0]);

    expect(row._source).toHaveLength(ENVELOPE_TEXT_CHARACTERS_MAX);
    for (const text of ['path', 'expected', 'received', 'message']) {
      expect(String(row[text]).length).toBeLessThanOrEqual(FAILURE_TEXT_CHARACTERS_MAX);
    }
    expect(Buffer.from(String(row.payload), 'base64').equals(data)).toBe(true);
  });
});

describe('route', () => {
  test('sends nothing of what the dataset drops', () => {
    const [routed, ...others] = throughStages(probeJson('drops'));

    expect(others).toEqual([]);
    expect(routed).toMatchObject({ outcome: 'dropped', origin: { recordIndex: 0 } });
    expect(routed).not.toHaveProperty('document');
  });

  test('throws on an item that skipped a stage, which is an error of the program', () => {
    const [item] = decoded(probeJson('fine'));

    expect(() => item && route(item, ROUTE_STAGE)).toThrow('received an item that is decoded');
  });
});
