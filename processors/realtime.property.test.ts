/** Whatever is on the stream, every user record has exactly one outcome, however often it comes. */
import { gzipSync } from 'node:zlib';
import { describe, expect, test } from '@jest/globals';
import type { KinesisStreamEvent } from 'aws-lambda';
import fc from 'fast-check';
import { datasets } from '../schemas/index.ts';
import { createAggregateBuilder } from '../streams/aggregation/aggregate-builder.ts';
import { kinesisEvent } from '../test/support/processors/kinesis-event.ts';
import { probe, probeJson, probeRecord } from '../test/support/processors/probe-dataset.ts';
import { documentsOf, type RecordedPorts, recordPorts } from '../test/support/processors/recorded-ports.ts';
import type { PackedRecord } from './ports.ts';
import { createRealtimeHandler } from './realtime.ts';

type Outcome = 'delivered' | 'quarantined' | 'dropped';

/** One user record: its bytes and what becomes of it. */
interface UserRecord {
  readonly data: Buffer;
  readonly outcome: Outcome;
}

/** One Kinesis record and the user records in it. */
interface OnStream {
  readonly data: Buffer;
  readonly outcomes: readonly Outcome[];
}

const QUARANTINED_MODES = ['throws', 'frozen', 'getter throws', 'bad output', 'poor', 'id throws', 'eventTime throws'];
const cloudEvent = (mode: string) => ({
  specversion: '1.0',
  id: mode,
  source: 'urn:a',
  type: 'probe',
  data: probeRecord(mode),
});

const userRecord: fc.Arbitrary<UserRecord> = fc.oneof(
  fc.constantFrom('fine', 'odd').map((mode) => ({ data: probeJson(mode), outcome: 'delivered' as const })),
  fc.constantFrom('fine').map((mode) => ({
    data: Buffer.concat([probe.singleObjectHeader, probe.encodeAvro(probeRecord(mode))]),
    outcome: 'delivered' as const,
  })),
  fc.constant({ data: Buffer.from(JSON.stringify(cloudEvent('fine'))), outcome: 'delivered' as const }),
  fc.constantFrom(...QUARANTINED_MODES).map((mode) => ({ data: probeJson(mode), outcome: 'quarantined' as const })),
  fc.constant({ data: probeJson('drops'), outcome: 'dropped' as const }),
  // 0xff begins neither text nor any format, so this is one undecodable event, whatever follows.
  fc
    .uint8Array({ maxLength: 60 })
    .map((bytes) => ({ data: Buffer.from([0xff, ...bytes]), outcome: 'quarantined' as const })),
  fc
    .json()
    .map((text) => ({ data: Buffer.from(`{"specversion":"1.0","x":${text}}`), outcome: 'quarantined' as const })),
  fc.constant({ data: Buffer.alloc(0), outcome: 'quarantined' as const }),
);
const compressed = userRecord.map(({ data, outcome }) => ({
  data: gzipSync(data),
  outcome,
}));
const anyRecord = fc.oneof({ weight: 4, arbitrary: userRecord }, { weight: 1, arbitrary: compressed });

function aggregate(records: readonly UserRecord[]): OnStream {
  const builder = createAggregateBuilder();
  for (const { data } of records) builder.add('key', data);
  return { data: builder.encode(), outcomes: records.map(({ outcome }) => outcome) };
}

function batch(modes: readonly string[]): OnStream {
  const outcomeOf = (mode: string): Outcome =>
    mode === 'drops' ? 'dropped' : mode === 'fine' ? 'delivered' : 'quarantined';
  return { data: Buffer.from(JSON.stringify(modes.map(cloudEvent))), outcomes: modes.map(outcomeOf) };
}

const onStream: fc.Arbitrary<OnStream> = fc.oneof(
  { weight: 6, arbitrary: anyRecord.map(({ data, outcome }) => ({ data, outcomes: [outcome] })) },
  { weight: 2, arbitrary: fc.array(anyRecord, { minLength: 1, maxLength: 90 }).map(aggregate) },
  {
    weight: 1,
    arbitrary: fc.array(fc.constantFrom('fine', 'drops', 'throws'), { minLength: 1, maxLength: 20 }).map(batch),
  },
);
const streams = fc.array(onStream, { maxLength: 150 });

const settings = {
  datasets: [...datasets.values(), probe],
  defaultDataset: 'probe',
  metricsNamespace: 'DataPipeline',
  payloadBucket: 'archive',
  retriesMax: 5,
};
const context = { awsRequestId: 'request', getRemainingTimeInMillis: () => 300_000 };

function countsOf(records: readonly OnStream[]): Readonly<Record<Outcome, number>> {
  const counts = { delivered: 0, quarantined: 0, dropped: 0 };
  for (const outcome of records.flatMap(({ outcomes }) => outcomes)) counts[outcome] += 1;
  return counts;
}

function identitiesOf(ports: RecordedPorts, table: string): readonly unknown[] {
  return ports.rows(table).map((row) => row._record_id);
}

function sum(ports: RecordedPorts, metric: string): number {
  return ports.lines.reduce((total, line) => total + Number(line[metric]), 0);
}

describe('any mix of records', () => {
  test('has exactly one outcome a user record, and the log line says the same', async () => {
    await fc.assert(
      fc.asyncProperty(streams, async (records) => {
        const ports = recordPorts();
        const expected = countsOf(records);

        const answer = await createRealtimeHandler(settings, ports)(
          kinesisEvent(records.map(({ data }) => data)),
          context,
        );

        expect(answer).toEqual({ batchItemFailures: [] });
        const delivered = identitiesOf(ports, 'probe');
        const quarantined = identitiesOf(ports, 'failed_events');
        expect({ delivered: delivered.length, quarantined: quarantined.length }).toEqual({
          delivered: expected.delivered,
          quarantined: expected.quarantined,
        });
        expect(new Set([...delivered, ...quarantined]).size).toBe(expected.delivered + expected.quarantined);
        if (records.length === 0) return;
        expect(ports.lines).toMatchObject([
          {
            Received: expected.delivered + expected.quarantined + expected.dropped,
            Delivered: expected.delivered,
            Quarantined: expected.quarantined,
            Dropped: expected.dropped,
          },
        ]);
        const failures = Object.values<number>(Object(ports.lines[0]?.failures));
        expect(failures.reduce((total, count) => total + count, 0)).toBe(expected.quarantined);
      }),
      { numRuns: 60 },
    );
  });

  test('is packed in order, within the quotas of Firehose', async () => {
    await fc.assert(
      fc.asyncProperty(streams, async (records) => {
        const ports = recordPorts();

        await createRealtimeHandler(settings, ports)(kinesisEvent(records.map(({ data }) => data)), context);

        for (const { records: packed } of ports.calls) {
          expect(packed.length).toBeLessThanOrEqual(500);
          for (const { data, documents } of packed) {
            expect(documents).toBeLessThanOrEqual(500);
            expect(data.length).toBeLessThanOrEqual(1_024_000);
            expect(documentsOf(data)).toHaveLength(documents);
          }
        }
        for (const table of ['probe', 'failed_events']) {
          const positions = ports.rows(table).map((row) => String(row._position));
          expect(positions).toEqual([...positions].sort((a, b) => (a < b ? -1 : 1)));
        }
      }),
      { numRuns: 20 },
    );
  });

  test('ends with each user record at rest, however often delivery fails on the way', async () => {
    const scenario = fc.record({
      records: streams,
      // Whether a Firehose record is rejected, one answer after the other; then none is.
      rejections: fc.array(fc.boolean(), { maxLength: 40 }),
    });
    await fc.assert(
      fc.asyncProperty(scenario, async ({ records, rejections }) => {
        const answers = [...rejections];
        const reject = (packed: readonly PackedRecord[]) => packed.filter(() => answers.shift() ?? false);
        const ports = recordPorts({ deliver: ({ records: packed }) => reject(packed) });
        const handler = createRealtimeHandler(settings, ports);
        let event: KinesisStreamEvent = kinesisEvent(records.map(({ data }) => data));

        for (let attempts = 0; event.Records.length > 0 && attempts <= rejections.length; attempts += 1) {
          const { batchItemFailures } = await handler(event, context);
          event = { Records: from(event, batchItemFailures[0]?.itemIdentifier) };
        }

        const expected = countsOf(records);
        expect(event.Records).toEqual([]);
        expect(new Set(identitiesOf(ports, 'probe')).size).toBe(expected.delivered);
        expect(new Set(identitiesOf(ports, 'failed_events')).size).toBe(expected.quarantined);
        // Counted once each, although some were delivered more than once.
        expect(sum(ports, 'Delivered')).toBe(expected.delivered);
        expect(sum(ports, 'Quarantined')).toBe(expected.quarantined);
        expect(sum(ports, 'Dropped')).toBe(expected.dropped);
      }),
      { numRuns: 60 },
    );
  });
});

/** A position whose text order is the order on the shard. */
/** What Lambda sends again: everything from the reported sequence number on. */
function from({ Records }: KinesisStreamEvent, sequenceNumber: string | undefined): KinesisStreamEvent['Records'] {
  if (sequenceNumber === undefined) return [];
  return Records.slice(Records.findIndex(({ kinesis }) => kinesis.sequenceNumber === sequenceNumber));
}
