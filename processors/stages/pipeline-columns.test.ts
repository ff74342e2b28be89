import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { PERFECT } from '../../schemas/quality.ts';
import { formatTimestamp, TIMESTAMP_MS_MAX, TIMESTAMP_MS_MIN } from '../../schemas/timestamp.ts';
import { createEventIdentity } from '../../streams/event-id.ts';
import { createRecordIdentity, formatPosition } from '../../streams/position.ts';
import { probe } from '../../test/support/processors/probe-dataset.ts';
import type { Scored } from './items.ts';
import { type Columns, createPipelineColumns } from './pipeline-columns.ts';

const recordIdentity = createRecordIdentity('data-pipeline-stream');
const eventIdentity = createEventIdentity();
const PROCESSED_AT = '2026-06-01 00:01:00.000';
const IMPERFECT = { score: 1 / 3, failedRules: ['ColumnValues "größe" > 0', 'IsComplete "b"'] };

/** Of few values each, so that neighbours are alike in some parts and differ in others. */
const scored: fc.Arbitrary<Scored> = fc
  .record({
    source: fc.constantFrom('/streams/s', 'urn:"ü€😀\\', 'urn:b'),
    runId: fc.constantFrom(undefined, 'run-1', 'läuft\n'),
    chunkId: fc.constant(undefined),
    traceId: fc.constantFrom(undefined, '4bf92f3577b34da6a3ce929d0e0e4736', '0af7651916cd43dd8448eb211c80319c'),
    schemaVersion: fc.constantFrom('6bbd4ad0bcafdc09', '00000000000000ff'),
    quality: fc.constantFrom(PERFECT, IMPERFECT),
    shardId: fc.constantFrom('shardId-000000000000', 'shardId-000000000012', 'shardId-1'),
    sequenceNumber: fc.oneof(fc.bigInt({ min: 0n, max: 10n ** 56n - 1n }).map(String), fc.constant('7'.repeat(129))),
    subsequenceNumber: fc.integer({ min: 0, max: 9_999_999 }),
    times: fc.tuple(...[0, 1].map(() => fc.integer({ min: TIMESTAMP_MS_MIN, max: TIMESTAMP_MS_MAX }))),
    id: fc.string({ unit: 'grapheme' }),
  })
  .map(({ quality, shardId, sequenceNumber, times: [eventTimeMs = 0, arrivedAtMs = 0], id, ...event }) => ({
    state: 'scored',
    quality,
    transformed: {
      state: 'transformed',
      origin: {
        recordIndex: 0,
        shardId,
        sequenceNumber,
        arrivedAtMs,
        recordIds: recordIdentity.forRecord(shardId, sequenceNumber),
        fingerprint: 0,
        replay: undefined,
      },
      event: { ...event, kind: 'event', dataset: probe, value: {}, conforms: true, id, bytes: () => Buffer.alloc(0) },
      eventTimeMs,
      id,
      output: {},
    },
  }));

/** The same as one object, written whole. */
function expected({ quality, transformed: { origin, event, eventTimeMs, id } }: Scored, processedAt: string): string {
  const eventId = Buffer.alloc(36);
  eventIdentity.write(event.source, id, eventId, 0);
  const json = JSON.stringify({
    _record_id: origin.recordIds.textOf(event.subsequenceNumber),
    _event_id: eventId.toString(),
    _event_time: formatTimestamp(eventTimeMs),
    _ingested_at: formatTimestamp(origin.arrivedAtMs),
    _processed_at: processedAt,
    _source: event.source,
    _run_id: event.runId ?? null,
    _trace_id: event.traceId ?? null,
    _schema_version: event.schemaVersion,
    _quality_score: quality.score,
    _failed_rules: quality.failedRules,
    _position: formatPosition(origin.shardId, origin.sequenceNumber, event.subsequenceNumber),
  });
  return `,${json.slice(1)}`;
}

function textOf(columns: Columns): string {
  const bytes = Buffer.alloc(columns.bytes);
  columns.write(bytes, 0);
  return bytes.toString();
}

describe("the pipeline's columns", () => {
  test('are those of their own record, whatever the record before had', () => {
    const columns = createPipelineColumns(eventIdentity);
    const batch = fc.tuple(fc.constantFrom(0, 86_400_000), fc.array(scored, { maxLength: 20 }));

    fc.assert(
      fc.property(batch, ([evaluatedAtMs, items]) => {
        const processedAt = formatTimestamp(evaluatedAtMs);
        const written = items.map((item) => columns(item, processedAt)).map(textOf);
        expect(written).toEqual(items.map((item) => expected(item, processedAt)));
      }),
      { numRuns: 300 },
    );
  });

  test('are right for more sources than are remembered, and for a source too long to be', () => {
    const columns = createPipelineColumns(eventIdentity);
    const [item] = fc.sample(scored, 1);
    if (item === undefined) throw new Error('no sample');
    const { transformed } = item;
    const sources = [...Array.from({ length: 250 }, (_, index) => `urn:${index}`), 'x'.repeat(10_000)];
    const items = [...sources, ...sources].map((source) => ({
      ...item,
      transformed: { ...transformed, event: { ...transformed.event, source } },
    }));

    expect(items.map((each) => textOf(columns(each, PROCESSED_AT)))).toEqual(
      items.map((each) => expected(each, PROCESSED_AT)),
    );
  });
});
