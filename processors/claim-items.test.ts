import { describe, expect, test } from '@jest/globals';
import type { KinesisStreamEvent } from 'aws-lambda';
import { defineDataset } from '../schemas/define-dataset.ts';
import { encodeReplayFrame } from '../streams/replay-frame.ts';
import { ARRIVED_AT_MS, kinesisEvent, sequenceOf } from '../test/support/processors/kinesis-event.ts';
import { createMemoryStateTable } from '../test/support/processors/memory-state-table.ts';
import { type ProbeIn, probe, probeRecord } from '../test/support/processors/probe-dataset.ts';
import { type RecordedPorts, recordPorts } from '../test/support/processors/recorded-ports.ts';
import { EVALUATED_AT_MS } from '../test/support/processors/through-stages.ts';
import { createClaims } from './books/claims.ts';
import { type StateTablePort, StateUnavailable } from './books/state-table.ts';
import { createRealtimeHandler } from './realtime.ts';

/** The probe, with each event counted once. */
const once = defineDataset({
  ...probe.definition,
  name: 'once',
  schema: {
    type: 'record',
    name: 'Once',
    fields: [
      { name: 'mode', type: 'string' },
      { name: 'at', type: 'long' },
    ],
  },
  output: { type: 'record', name: 'OnceRow', fields: [{ name: 'mode', type: 'string' }] },
  eventTime: (record: Pick<ProbeIn, 'mode' | 'at'>) => record.at,
  transform: (record: Pick<ProbeIn, 'mode' | 'at'>) => ({ mode: record.mode }),
  id: (record: Pick<ProbeIn, 'mode' | 'at'>) => record.mode,
  key: (record: Pick<ProbeIn, 'mode' | 'at'>) => record.mode,
  deduplicate: 'event',
  unknownFields: 'ignore',
});

const clock = { now: () => EVALUATED_AT_MS };

function portsOn(table: StateTablePort): RecordedPorts {
  return { ...recordPorts(), claims: createClaims(table, clock) };
}

async function invoke(event: KinesisStreamEvent, ports: RecordedPorts) {
  const settings = {
    datasets: [once, probe],
    defaultDataset: 'once',
    metricsNamespace: 'n',
    payloadBucket: 'b',
    retriesMax: 5,
  };
  const handler = createRealtimeHandler(settings, ports);
  return handler(event, { awsRequestId: 'request', getRemainingTimeInMillis: () => 300_000 });
}

const event = (mode: string, more: object = {}) => Buffer.from(JSON.stringify({ ...probeRecord(mode), ...more }));
const ofChunk = (chunkid: string, id: string, data: unknown) =>
  Buffer.from(JSON.stringify({ specversion: '1.0', id, source: 's3://raw/object?v=1', type: 'probe', chunkid, data }));
/** The same records at other positions of the stream. */
const later = (records: readonly Buffer[]) => kinesisEvent([...Array<Buffer>(20).fill(Buffer.from('{')), ...records]);
const tailOf = ({ Records }: KinesisStreamEvent, from: number) => ({ Records: Records.slice(from) });

describe('a dataset that deduplicates by event', () => {
  test('delivers the first of each event in a batch, and counts the others as duplicates', async () => {
    const ports = portsOn(createMemoryStateTable());

    await invoke(kinesisEvent(['a', 'b', 'a', 'c', 'b'].map((mode) => event(mode))), ports);

    expect(ports.rows('once').map((row) => row.mode)).toEqual(['a', 'b', 'c']);
    expect(ports.lines).toMatchObject([{ Received: 5, Delivered: 3, Duplicate: 2 }]);
  });

  test('knows an event of an earlier batch again', async () => {
    const table = createMemoryStateTable();
    await invoke(kinesisEvent([event('a')]), portsOn(table));
    const ports = portsOn(table);

    await invoke(tailOf(later([event('a'), event('b')]), 20), ports);

    expect(ports.rows('once').map((row) => row.mode)).toEqual(['b']);
  });

  test('lets a batch that is tried again pass: the claims are its own', async () => {
    const table = createMemoryStateTable();
    const batch = kinesisEvent(Array.from({ length: 300 }, (_, i) => event(`m${i}`)));
    await invoke(batch, portsOn(table));
    const ports = portsOn(table);

    await invoke(batch, ports);

    expect(ports.lines).toMatchObject([{ Delivered: 300, Duplicate: 0 }]);
  });

  test('leaves the identity of what is quarantined to a better record', async () => {
    const table = createMemoryStateTable();
    await invoke(kinesisEvent([event('a', { at: 'never' })]), portsOn(table));
    const ports = portsOn(table);

    await invoke(tailOf(later([event('a')]), 20), ports);

    expect(ports.lines).toMatchObject([{ Delivered: 1, Duplicate: 0 }]);
  });

  test('answers with the first record whose claim is not known, and delivers what comes before', async () => {
    const memory = createMemoryStateTable();
    let calls = 0;
    const table: StateTablePort = {
      ...memory,
      transact(writes) {
        calls += 1;
        if (calls > 1) throw new StateUnavailable('the table is away', { cause: undefined });
        return memory.transact(writes);
      },
    };
    const ports = portsOn(table);

    const answer = await invoke(kinesisEvent(Array.from({ length: 200 }, (_, i) => event(`m${i}`))), ports);

    expect(answer).toEqual({ batchItemFailures: [{ itemIdentifier: sequenceOf(64) }] });
    expect(ports.lines).toMatchObject([{ Delivered: 64, reasons: expect.arrayContaining(['the table is away']) }]);
  });
});

describe('two puts of one event in a batch', () => {
  test('leave it to the second of them where that has the claim: one is delivered, by whoever holds it', async () => {
    const table = createMemoryStateTable();
    const claims = createClaims(table, clock);
    expect(await claims.claim([{ subject: 's', owner: 'second', generation: 0 }])).toEqual(new Set());

    const refused = await claims.claim([
      { subject: 's', owner: 'first', generation: 0 },
      { subject: 's', owner: 'second', generation: 0 },
      { subject: 's', owner: 'third', generation: 0 },
    ]);

    expect(refused).toEqual(new Set([0, 2]));
  });
});

describe('a claim that fails', () => {
  test('is overtaken by nothing that comes behind it, though its own claims would pass', async () => {
    const memory = createMemoryStateTable();
    let calls = 0;
    const table: StateTablePort = {
      ...memory,
      transact(writes) {
        calls += 1;
        if (calls === 1) throw new StateUnavailable('the table is away', { cause: undefined });
        return memory.transact(writes);
      },
    };
    const ports = portsOn(table);

    await invoke(kinesisEvent(Array.from({ length: 200 }, (_, i) => event(`m${i}`))), ports);

    expect(ports.rows('once')).toEqual([]);
  });
});

describe('a chunk of a bounded source', () => {
  test('counts once, and its bad events too, when its record is put twice', async () => {
    const chunk = [ofChunk('1', 'a', probeRecord('fine')), ofChunk('1', 'b', { mode: 7 })];
    const array = Buffer.from(`[${chunk.join(',')}]`);
    const ports = portsOn(createMemoryStateTable());

    await invoke(kinesisEvent([array, array, ofChunk('2', 'c', probeRecord('fine'))]), ports);

    expect(ports.lines).toMatchObject([{ Received: 5, Delivered: 2, Quarantined: 1, Duplicate: 2 }]);
  });
});

describe('a chunk of a run', () => {
  const ofRun = (runid: string, id: string, data: unknown = probeRecord('fine')) =>
    JSON.stringify({ specversion: '1.0', id, source: 's3://raw/object?v=1', type: 'probe', chunkid: '1', runid, data });
  const chunkOf = (runid: string) =>
    Buffer.from(
      `[${[ofRun(runid, '1'), ofRun(runid, '2', { mode: 7 }), ofRun(runid, '3', probeRecord('drops'))].join(',')}]`,
    );

  /** `<run> <outcome> <events>` of what one invocation counts. */
  async function countedBy(payloads: readonly Buffer[], table: StateTablePort) {
    const ports = portsOn(table);
    const groups: string[] = [];
    const books: RecordedPorts['books'] = {
      async begin(range) {
        const opened = await ports.books.begin(range);
        return {
          ...opened,
          commit(work) {
            const found = work.tally.groupsUpTo(work.done);
            groups.push(...found.map(({ runId, outcome, events }) => `${runId} ${outcome} ${events}`));
            return opened.commit(work);
          },
        };
      },
    };
    await invoke(kinesisEvent(payloads), { ...ports, books });
    return groups.sort();
  }

  test('counts each of its places for the run once: its copies are of no run', async () => {
    const chunk = chunkOf('run-1');

    expect(await countedBy([chunk, chunk, chunk], createMemoryStateTable())).toEqual([
      ' duplicate 6',
      'run-1 delivered 1',
      'run-1 dropped 1',
      'run-1 quarantined 1',
    ]);
  });

  test('counts for its run what cannot be decoded of it, too', async () => {
    const known = {
      specversion: '1.0',
      id: '1',
      source: 's3://raw/object?v=1',
      type: 'probe',
      chunkid: '1',
      runid: 'run-1',
    };
    const events = [
      { ...known, type: 'nobody' },
      { ...known, time: 'never' },
      { ...known, data_base64: '{' },
      { ...known, data_base64: Buffer.from('{"half').toString('base64') },
      known,
    ];
    const chunk = Buffer.from(JSON.stringify(events));

    const counted = await countedBy([chunk, chunk], createMemoryStateTable());

    expect(counted).toEqual([' duplicate 1', ' duplicate 4', 'run-1 quarantined 1', 'run-1 quarantined 4']);
  });

  test('that another run has delivered counts as duplicates of the run, once', async () => {
    expect(await countedBy([chunkOf('run-1'), chunkOf('run-2'), chunkOf('run-2')], createMemoryStateTable())).toEqual([
      ' duplicate 3',
      'run-1 delivered 1',
      'run-1 dropped 1',
      'run-1 quarantined 1',
      'run-2 duplicate 3',
    ]);
  });

  test('passes its own claims when its batch is tried again', async () => {
    const table = createMemoryStateTable();
    const first = await countedBy([chunkOf('run-1')], table);

    expect(await countedBy([chunkOf('run-1')], table)).toEqual(first);
  });

  test('whose run id is too long to be one is a chunk of no run', async () => {
    const table = createMemoryStateTable();

    expect(await countedBy([chunkOf('r'.repeat(65)), chunkOf('r'.repeat(65))], table)).toEqual([
      ' delivered 1',
      ' dropped 1',
      ' duplicate 3',
      ' quarantined 1',
    ]);
  });

  test('costs two claims, whatever its events', async () => {
    const memory = createMemoryStateTable();
    const written: number[] = [];
    const table: StateTablePort = {
      ...memory,
      transact(writes) {
        written.push(writes.length);
        return memory.transact(writes);
      },
    };

    await countedBy([chunkOf('run-1')], table);

    expect(written).toEqual([1, 1]);
  });

  test('counts for no run where its replay is a copy', async () => {
    const frame = encodeReplayFrame({
      shardId: 'shardId-000000000007',
      sequenceNumber: sequenceOf(1),
      partitionKey: 'key',
      arrivedAtMs: ARRIVED_AT_MS,
      generation: 1,
      data: chunkOf('run-1'),
    });

    expect(await countedBy([frame, frame], createMemoryStateTable())).toEqual([
      ' duplicate 3',
      'run-1 delivered 1',
      'run-1 dropped 1',
      'run-1 quarantined 1',
    ]);
  });
});

describe('a record that is played again', () => {
  const first = kinesisEvent([event('a')]);
  const [origin] = first.Records;
  const framed = (generation: number) =>
    encodeReplayFrame({
      shardId: origin?.eventID.split(':')[0] ?? '',
      sequenceNumber: origin?.kinesis.sequenceNumber ?? '',
      partitionKey: 'key',
      arrivedAtMs: ARRIVED_AT_MS,
      generation,
      data: event('a'),
    });
  const identityOf = (ports: RecordedPorts) =>
    ports.rows('once').map((row) => [row._record_id, row._position, row._ingested_at]);

  test('keeps the identity of where it first stood, and its claims', async () => {
    const table = createMemoryStateTable();
    const [before, after] = [portsOn(table), portsOn(table)];
    await invoke(first, before);

    await invoke(tailOf(later([framed(1)]), 20), after);

    expect(identityOf(after)).toEqual(identityOf(before));
    expect(identityOf(after)).toHaveLength(1);
  });

  test('leaves an event to the record that another put of it was delivered under', async () => {
    const table = createMemoryStateTable();
    const [before, after] = [portsOn(table), portsOn(table)];
    await invoke(tailOf(later([event('a')]), 20), before);

    await invoke(tailOf(later([event('b'), framed(1)]), 21), after);

    expect([before.rows('once').length, after.rows('once').length]).toEqual([1, 0]);
    expect(after.lines).toMatchObject([{ Received: 1, Duplicate: 1 }]);
  });

  test('counts once, however often its frame is put; a later replay counts again', async () => {
    const ports = portsOn(createMemoryStateTable());

    await invoke(kinesisEvent([framed(1), framed(1), framed(2), framed(1)]), ports);

    expect(ports.lines).toMatchObject([{ Received: 4, Delivered: 2, Duplicate: 2 }]);
  });

  test('whose frame cannot be read is a failed event', async () => {
    const ports = portsOn(createMemoryStateTable());

    await invoke(kinesisEvent([framed(1).subarray(0, 30)]), ports);

    expect(ports.rows('failed_events')).toMatchObject([{ code: 'INVALID_REPLAY_FRAME' }]);
  });
});
