import { describe, expect, test } from '@jest/globals';
import type { Context, KinesisStreamEvent } from 'aws-lambda';
import { datasets } from '../schemas/index.ts';
import { createAggregateBuilder } from '../streams/aggregation/aggregate-builder.ts';
import { padSequence } from '../streams/position.ts';
import { kinesisEvent, sequenceOf } from '../test/support/processors/kinesis-event.ts';
import { probe, probeJson } from '../test/support/processors/probe-dataset.ts';
import { type RecordedPorts, recordPorts } from '../test/support/processors/recorded-ports.ts';
import { EVALUATED_AT_MS } from '../test/support/processors/through-stages.ts';
import { DeliveryError, type PackedRecord, PayloadError } from './ports.ts';
import { createRealtimeHandler, type RealtimeSettings } from './realtime.ts';

const SETTINGS: RealtimeSettings = {
  datasets: [...datasets.values(), probe],
  defaultDataset: 'probe',
  metricsNamespace: 'DataPipeline',
  payloadBucket: 'archive',
  retriesMax: 5,
};
const FIVE_MINUTES_MS = 300_000;
const lasting = (timeLeftMs: number): Pick<Context, 'getRemainingTimeInMillis' | 'awsRequestId'> => ({
  awsRequestId: 'request',
  getRemainingTimeInMillis: () => timeLeftMs,
});

async function invoke(event: KinesisStreamEvent, ports: RecordedPorts, timeLeftMs = FIVE_MINUTES_MS) {
  const { batchItemFailures } = await createRealtimeHandler(SETTINGS, ports)(event, lasting(timeLeftMs));
  return batchItemFailures.map(({ itemIdentifier }) => itemIdentifier);
}

const many = (count: number, mode = 'fine') =>
  Array.from({ length: count }, (_, i) => probeJson(mode, { text: String(i) }));
const away = (service: string) => new DeliveryError(`${service} is away`, { cause: new Error('ECONNREFUSED') });

function aggregateOf(payloads: readonly Buffer[]): Buffer {
  const builder = createAggregateBuilder();
  for (const payload of payloads) builder.add('key', payload);
  return builder.encode();
}

describe('the answer', () => {
  test('names no failure when everything is delivered, and comes after delivery and commit', async () => {
    const ports = recordPorts();

    const failures = await invoke(kinesisEvent([probeJson('fine'), Buffer.from('{'), probeJson('drops')]), ports);

    expect(failures).toEqual([]);
    expect(ports.trace).toEqual([
      'begin',
      'deliver probe x1',
      'deliver failed_events x1',
      'delivered probe',
      'delivered failed_events',
      `commit ${sequenceOf(2)}`,
      'log',
    ]);
  });

  test('waits for a delivery that takes its time', async () => {
    const { promise, resolve: accept } = Promise.withResolvers<readonly PackedRecord[]>();
    const ports = recordPorts({ deliver: () => promise });
    let answered = false;

    const answer = invoke(kinesisEvent(many(1)), ports).finally(() => {
      answered = true;
    });
    await new Promise((resolve) => setTimeout(resolve, 20));

    expect({ answered, trace: ports.trace }).toEqual({ answered: false, trace: ['begin', 'deliver probe x1'] });
    accept([]);
    expect(await answer).toEqual([]);
  });

  test('is empty for an event without records', async () => {
    expect(await invoke({ Records: [] }, recordPorts())).toEqual([]);
  });

  test('names the first record when nothing is delivered, and commits nothing', async () => {
    const ports = recordPorts({ deliver: () => Promise.reject(away('Firehose')) });

    expect(await invoke(kinesisEvent(many(10)), ports)).toEqual([sequenceOf(0)]);
    expect(ports.trace).not.toContainEqual(expect.stringContaining('commit'));
    expect(ports.lines).toMatchObject([
      { level: 'WARN', recordsDone: 0, Received: 0, reasons: ['probe: Firehose is away'] },
    ]);
  });

  test('names the lowest record of those that were rejected', async () => {
    // 500 documents a Firehose record: the second begins with record 500, the third with 1,000.
    const ports = recordPorts({ deliver: ({ records }) => records.slice(1) });

    expect(await invoke(kinesisEvent(many(1_200)), ports)).toEqual([sequenceOf(500)]);
    expect(ports.trace).toContain(`commit ${sequenceOf(499)}`);
    expect(ports.lines).toMatchObject([{ Received: 500, Delivered: 500, records: 1_200, recordsDone: 500 }]);
  });

  test('names the lowest over all tables, whichever fails first', async () => {
    const payloads = [...many(3), Buffer.from('{'), ...many(3), Buffer.from('['), ...many(3)];
    const ports = recordPorts({
      deliver: ({ table }) => (table === 'failed_events' ? Promise.reject(away('Firehose')) : []),
    });

    expect(await invoke(kinesisEvent(payloads), ports)).toEqual([sequenceOf(3)]);
  });

  test('is no success when only the quarantine could not be written', async () => {
    const ports = recordPorts({
      deliver: ({ table, records }) => (table === 'failed_events' ? records : []),
    });

    expect(await invoke(kinesisEvent([...many(4), Buffer.from('{')]), ports)).toEqual([sequenceOf(4)]);
    expect(ports.lines).toMatchObject([{ Delivered: 4, Quarantined: 0 }]);
    // What is not done is counted by the attempt that does it.
    expect(ports.lines[0]?.failures).toEqual({});
  });

  test('names the Kinesis record for an event inside an aggregate', async () => {
    const payloads = [aggregateOf(many(400)), aggregateOf(many(400)), aggregateOf(many(400))];
    const ports = recordPorts({ deliver: ({ records }) => records.slice(1) });

    // Document 500, the first of what is rejected, is of the second aggregate: it is sent again whole.
    expect(await invoke(kinesisEvent(payloads), ports)).toEqual([sequenceOf(1)]);
    expect(ports.lines).toMatchObject([{ Received: 400, Delivered: 400, recordsDone: 1 }]);
  });

  test('is an error, and no commit, when a port fails in a way that none should', async () => {
    const ports = recordPorts({ deliver: () => Promise.reject(new TypeError('x is undefined')) });

    await expect(invoke(kinesisEvent(many(1)), ports)).rejects.toThrow(TypeError);
    expect(ports.trace).not.toContainEqual(expect.stringContaining('commit'));
  });
});

describe('time', () => {
  /** A clock that goes on by `stepMs` whenever it is read. */
  const stepping = (stepMs: number) => {
    let nowMs = EVALUATED_AT_MS - stepMs;
    return () => {
      nowMs += stepMs;
      return nowMs;
    };
  };

  test('that runs out leaves the rest to the next invocation, in whole chunks that were delivered', async () => {
    const ports = recordPorts({ now: stepping(10_000) });

    const [reported] = await invoke(kinesisEvent(many(1_000)), ports, 60_000);
    const done = ports.rows('probe').length;

    expect(done).toBeGreaterThan(0);
    expect(done).toBeLessThan(1_000);
    expect(reported).toBe(sequenceOf(done));
    expect(ports.lines).toMatchObject([{ message: 'batch done in part', recordsDone: done, Received: done }]);
  });

  test('that runs out inside an aggregate lets that one be finished', async () => {
    const aggregates = Array.from({ length: 20 }, () => aggregateOf(many(100)));
    const ports = recordPorts({ now: stepping(10_000) });

    const [reported] = await invoke(kinesisEvent(aggregates), ports, 60_000);
    const rows = ports.rows('probe').length;

    expect(rows % 100).toBe(0);
    expect(rows).toBeLessThan(2_000);
    expect(reported).toBe(sequenceOf(rows / 100));
  });

  test.each([
    { timeLeftMs: 300_000, reserveMs: 10_000 },
    { timeLeftMs: 60_000, reserveMs: 6_000 },
    { timeLeftMs: 5_000, reserveMs: 1_000 },
  ])('of $timeLeftMs ms keeps $reserveMs ms back to answer', async ({ timeLeftMs, reserveMs }) => {
    const ports = recordPorts();

    await invoke(kinesisEvent([...many(1), Buffer.alloc(700_001, '{')]), ports, timeLeftMs);

    expect(new Set(ports.deadlinesMs)).toEqual(new Set([EVALUATED_AT_MS + timeLeftMs - reserveMs]));
    expect(ports.trace).toContain('keep');
  });

  test('that is too short for anything names the first record', async () => {
    const ports = recordPorts();

    expect(await invoke(kinesisEvent(many(3)), ports, 1_500)).toEqual([sequenceOf(0)]);
    expect(ports.calls).toEqual([]);
  });
});

describe('what is too large', () => {
  test('as a payload goes to S3, and its row points there', async () => {
    const ports = recordPorts();
    const payload = Buffer.alloc(700_001, '{');

    expect(await invoke(kinesisEvent([payload]), ports)).toEqual([]);
    const [row] = ports.rows('failed_events');
    expect(row).toMatchObject({
      payload: null,
      payload_bytes: 700_001,
      payload_uri: `s3://archive/failed-payloads/2026-06-01/${row?._record_id}`,
    });
    expect(ports.kept).toMatchObject([{ uri: row?.payload_uri, recordIndex: 0 }]);
    expect(ports.kept[0]?.bytes.equals(payload)).toBe(true);
  });

  test('as a payload that could not be kept is sent again', async () => {
    const ports = recordPorts({ keep: () => Promise.reject(new PayloadError('S3 is away', { cause: 1 })) });

    expect(await invoke(kinesisEvent([...many(2), Buffer.alloc(700_001, '{'), ...many(2)]), ports)).toEqual([
      sequenceOf(2),
    ]);
  });

  test('as an output is quarantined as OUTPUT_TOO_LARGE', async () => {
    const ports = recordPorts();

    expect(await invoke(kinesisEvent([probeJson('large output', { count: 1_100_000 })]), ports)).toEqual([]);
    expect(ports.rows('failed_events')).toMatchObject([{ code: 'OUTPUT_TOO_LARGE', dataset: 'probe' }]);
  });

  test('keeps its bytes while the next batch is read', async () => {
    const ports = recordPorts();
    const handler = createRealtimeHandler(SETTINGS, ports);

    await handler(kinesisEvent([Buffer.alloc(700_001, '{')]), lasting(FIVE_MINUTES_MS));
    await handler(kinesisEvent([Buffer.alloc(700_001, 'x')]), lasting(FIVE_MINUTES_MS));

    expect(ports.kept.map(({ bytes }) => bytes.toString('latin1', 0, 1))).toEqual(['{', 'x']);
  });
});

describe('identity', () => {
  const identities = async (event: KinesisStreamEvent) => {
    const ports = recordPorts();
    await invoke(event, ports);
    return [...ports.rows('probe'), ...ports.rows('failed_events')].map((row) => row._record_id);
  };
  const payloads = [
    probeJson('fine'),
    aggregateOf([...many(3), Buffer.from('{')]),
    Buffer.from('['),
    probeJson('fine'),
  ];

  test('is the same when a batch comes again, in other company', async () => {
    const all = await identities(kinesisEvent(payloads));
    const rest = await identities(kinesisEvent(payloads.slice(1), { offset: 1 }));

    expect(new Set(all).size).toBe(7);
    expect([...rest].sort()).toEqual(all.filter((identity) => identity !== all[0]).sort());
  });

  test('differs by stream and by shard', async () => {
    const [here] = await identities(kinesisEvent(many(1)));
    const [otherShard] = await identities(kinesisEvent(many(1), { shardId: 'shardId-000000000001' }));
    const [otherStream] = await identities(kinesisEvent(many(1), { streamName: 'other' }));

    expect(new Set([here, otherShard, otherStream]).size).toBe(3);
  });

  test('is the same through an enhanced fan-out consumer', async () => {
    const event = kinesisEvent(many(1));
    const consumed = {
      Records: event.Records.map((record) => ({
        ...record,
        eventSourceARN: `${record.eventSourceARN}/consumer/fast:1`,
      })),
    };

    expect(await identities(consumed)).toEqual(await identities(event));
  });
});

describe('the log line', () => {
  test('holds the counts as embedded metrics at its root, and the failures by dataset and code', async () => {
    const ports = recordPorts();

    await invoke(
      kinesisEvent([...many(3), probeJson('throws'), probeJson('drops'), Buffer.from('{'), Buffer.from('}')]),
      ports,
    );

    const [line] = ports.lines;
    expect(line).toMatchObject({
      level: 'INFO',
      message: 'batch done',
      Received: 7,
      Delivered: 3,
      Quarantined: 3,
      Dropped: 1,
      BatchDuration: 0,
      shardId: 'shardId-000000000000',
      from: sequenceOf(0),
      to: sequenceOf(6),
      failures: { 'probe/TRANSFORM_THREW': 1, '?/INVALID_JSON': 2 },
    });
    expect(line).toMatchObject({
      _aws: { Timestamp: EVALUATED_AT_MS, CloudWatchMetrics: [{ Namespace: 'DataPipeline' }] },
    });
    for (const { Name } of Object(line)._aws.CloudWatchMetrics[0].Metrics) expect(typeof line?.[Name]).toBe('number');
  });

  test('never holds a payload', async () => {
    const ports = recordPorts();

    await invoke(kinesisEvent([probeJson('throws', { text: 'SECRET' }), Buffer.from('{"SECRET"')]), ports);

    expect(JSON.stringify(ports.lines)).not.toContain('SECRET');
  });
});

describe('a wrong setting', () => {
  test('fails the start, and not the first record', () => {
    expect(() => createRealtimeHandler({ ...SETTINGS, defaultDataset: 'trains' }, recordPorts())).toThrow(
      'The default dataset "trains" is unknown',
    );
  });
});

describe('a record that was begun alone too often', () => {
  test('is filed whole, undecoded, with its original bytes', async () => {
    const ports = recordPorts({ opened: { attemptsAlone: SETTINGS.retriesMax + 1 } });

    expect(await invoke(kinesisEvent([probeJson('fine')]), ports)).toEqual([]);
    expect(ports.rows('failed_events')).toMatchObject([
      { stage: 'decode', code: 'FUNCTION_KILLED', payload: probeJson('fine').toString('base64') },
    ]);
    expect(ports.rows('probe')).toEqual([]);
  });

  test('is processed as long as another attempt is allowed', async () => {
    const ports = recordPorts({ opened: { attemptsAlone: SETTINGS.retriesMax } });

    await invoke(kinesisEvent([probeJson('fine')]), ports);
    expect(ports.rows('probe')).toHaveLength(1);
  });

  test('is filed even where an earlier attempt had failed events accepted up to it: it had decided otherwise', async () => {
    const opened = {
      attemptsAlone: SETTINGS.retriesMax + 1,
      acceptedUpTo: new Map([['failed_events', padSequence(sequenceOf(0))]]),
    };
    const ports = recordPorts({ opened });

    await invoke(kinesisEvent([probeJson('fine')]), ports);
    expect(ports.rows('failed_events')).toHaveLength(1);
  });
});

describe('records that an earlier attempt had done', () => {
  test('are not processed again', async () => {
    const ports = recordPorts({ opened: { doneUpTo: padSequence(sequenceOf(1)) } });

    expect(await invoke(kinesisEvent(many(4)), ports)).toEqual([]);
    expect(ports.rows('probe').map(({ text }) => text)).toEqual(['2', '3']);
    expect(ports.lines).toMatchObject([{ level: 'INFO', records: 4, recordsDone: 2, redelivered: 2, Received: 2 }]);
  });

  test('end the batch when they are all that is in it', async () => {
    const ports = recordPorts({ opened: { doneUpTo: padSequence(sequenceOf(3)) } });

    expect(await invoke(kinesisEvent(many(4)), ports)).toEqual([]);
    expect(ports.trace).toEqual(['begin', 'release', 'log']);
  });

  test('are counted and not sent again for the table that had accepted them', async () => {
    const opened = { acceptedUpTo: new Map([['probe', padSequence(sequenceOf(2))]]) };
    const ports = recordPorts({ opened });

    expect(await invoke(kinesisEvent([...many(3), probeJson('poor'), probeJson('fine')]), ports)).toEqual([]);
    expect([ports.rows('probe'), ports.rows('failed_events')]).toMatchObject([{ length: 1 }, { length: 1 }]);
    expect(ports.lines).toMatchObject([{ Delivered: 4, Quarantined: 1 }]);
  });
});
