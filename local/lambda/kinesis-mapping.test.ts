import { mkdirSync, mkdtempSync, rmdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { type Clock, createClock } from '../clock.ts';
import type { StoredRecord, StreamReader, StreamShard } from '../ports.ts';
import { CheckpointStore } from './checkpoint-store.ts';
import type { InvocationOutcome } from './function-pool.ts';
import { encodeRecords, type KinesisEventRecord, kinesisEvent } from './kinesis-event.ts';
import { createKinesisMapping, type KinesisMapping } from './kinesis-mapping.ts';
import type { KinesisMappingDefinition } from './mapping-definition.ts';

const STREAM_ARN = 'arn:aws:kinesis:us-east-1:000000000000:stream/subject';
const FUNCTION_ARN = 'arn:aws:lambda:us-east-1:000000000000:function:subject';
const ROLE_ARN = 'arn:aws:iam::000000000000:role/subject';
const MAPPING_ID = '11111111-2222-4333-8444-555555555555';

/** A stream in memory. */
class MemoryStream implements StreamReader {
  readonly records = new Map<string, StoredRecord[]>([['shardId-000000000000', []]]);
  readonly #listeners = new Set<(shardId: string) => void>();

  put(data: string, shardId = 'shardId-000000000000', arrivedAtMs = Date.now()): string {
    const records = this.records.get(shardId) ?? [];
    this.records.set(shardId, records);
    const sequenceNumber = `4959${String(records.length + 1).padStart(52, '0')}`;
    records.push({ sequenceNumber, partitionKey: 'kéy', data: Buffer.from(data), arrivedAtMs });
    for (const listener of this.#listeners) listener(shardId);
    return sequenceNumber;
  }

  shards(): readonly StreamShard[] {
    return [...this.records.keys()].map((shardId) => ({ shardId, parents: [], isEnded: false }));
  }

  read(_arn: string, shardId: string, after: string | undefined, recordsMax: number): readonly StoredRecord[] {
    const later = (this.records.get(shardId) ?? []).filter(
      (record) => after === undefined || record.sequenceNumber > after,
    );
    return later.slice(0, recordsMax);
  }

  tip(_arn: string, shardId: string): string | undefined {
    return this.records.get(shardId)?.at(-1)?.sequenceNumber;
  }

  onRecords(_arn: string, listener: (shardId: string) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}

interface Event {
  readonly Records: readonly KinesisEventRecord[];
}

type Handler = (data: readonly string[], event: Event) => InvocationOutcome | Promise<InvocationOutcome>;

const returned = (value: unknown): InvocationOutcome => ({
  kind: 'returned',
  payload: JSON.stringify(value),
  requestId: 'request-1',
  log: '',
});
const threw: InvocationOutcome = {
  kind: 'failed',
  functionError: 'Unhandled',
  payload: '{}',
  requestId: 'request-2',
  log: '',
};

const opened: KinesisMapping[] = [];
let folder: string;
let clock: Clock;
let stream: MemoryStream;
let objects: Map<string, string>;
let sent: string[];
let warnings: string[];

beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'mapping-'));
  clock = createClock();
  stream = new MemoryStream();
  objects = new Map();
  sent = [];
  warnings = [];
});

afterEach(async () => {
  for (const mapping of opened.splice(0)) await mapping.stop();
  clock.stop();
  rmSync(folder, { recursive: true });
});

interface Overrides extends Partial<Omit<KinesisMappingDefinition, 'settings'>> {
  readonly settings?: Partial<KinesisMappingDefinition['settings']>;
}

function open(handler: Handler, overrides: Overrides = {}): KinesisMapping {
  const settings = {
    batchSize: 3,
    batchingWindowMs: 0,
    retriesMax: -1,
    recordAgeMsMax: -1,
    bisects: false,
    reportsItemFailures: true,
  };
  const definition: KinesisMappingDefinition = {
    source: 'kinesis',
    id: MAPPING_ID,
    arn: '',
    functionName: 'subject',
    eventSourceArn: STREAM_ARN,
    enabled: true,
    startingPosition: 'TRIM_HORIZON',
    startingTimestampMs: 0,
    onFailureArn: 'arn:aws:s3:::failures',
    ...overrides,
    settings: { ...settings, ...overrides.settings },
  };
  const mapping = createKinesisMapping({
    definition,
    streams: stream,
    invoke: async (event) => {
      const given = event as Event;
      return handler(
        given.Records.map((record) => Buffer.from(record.kinesis.data, 'base64').toString()),
        given,
      );
    },
    destinations: {
      objects: {
        put: async ({ bucket, key, content }) => {
          if (bucket !== 'failures') throw new Error(`no bucket ${bucket}`);
          objects.set(key, Buffer.isBuffer(content) ? content.toString() : '');
          return { etag: '', size: 0 };
        },
        get: async () => Buffer.alloc(0),
        fileOf: () => undefined,
        keys: () => [],
      },
      queues: {
        send: async (_arn, body) => void sent.push(body),
        receive: async () => [],
        delete: async () => undefined,
        release: async () => undefined,
        depth: async () => 0,
      },
    },
    checkpoints: new CheckpointStore(folder, MAPPING_ID, definition.eventSourceArn),
    clock,
    region: 'us-east-1',
    functionArn: FUNCTION_ARN,
    roleArn: ROLE_ARN,
    warn: (line) => warnings.push(line),
  });
  opened.push(mapping);
  mapping.start();
  return mapping;
}

async function settled(mapping: KinesisMapping): Promise<void> {
  do await sleep(5);
  while (!mapping.idle());
}

describe('the event', () => {
  it('has the shape that AWS documents', () => {
    const record = {
      sequenceNumber: '49590338271490256608559692538361571095921575989136588898',
      partitionKey: '1',
      data: Buffer.from('hello'),
      arrivedAtMs: 1_545_084_650_987,
    };
    const source = { streamArn: STREAM_ARN, shardId: 'shardId-000000000006', region: 'us-east-1', roleArn: ROLE_ARN };

    const event = kinesisEvent(encodeRecords([record], source));

    expect(event).toEqual({
      Records: [
        {
          kinesis: {
            kinesisSchemaVersion: '1.0',
            partitionKey: '1',
            sequenceNumber: '49590338271490256608559692538361571095921575989136588898',
            data: 'aGVsbG8=',
            approximateArrivalTimestamp: 1545084650.987,
          },
          eventSource: 'aws:kinesis',
          eventVersion: '1.0',
          eventID: 'shardId-000000000006:49590338271490256608559692538361571095921575989136588898',
          eventName: 'aws:kinesis:record',
          invokeIdentityArn: ROLE_ARN,
          awsRegion: 'us-east-1',
          eventSourceARN: STREAM_ARN,
        },
      ],
    });
  });

  it('takes exactly as many bytes as the machine counts', () => {
    const source = { streamArn: STREAM_ARN, shardId: 'shardId-000000000006', region: 'us-east-1', roleArn: ROLE_ARN };
    const stored = fc.record({
      sequenceNumber: fc.stringMatching(/^[1-9]\d{0,55}$/),
      partitionKey: fc.string({ unit: 'binary', minLength: 1, maxLength: 20 }),
      data: fc.uint8Array({ maxLength: 50 }).map((bytes) => Buffer.from(bytes)),
      arrivedAtMs: fc.nat(2_000_000_000_000),
    });
    fc.assert(
      fc.property(fc.array(stored, { minLength: 1, maxLength: 5 }), (given) => {
        const records = encodeRecords(given, source);

        const counted =
          records.reduce((sum, record) => sum + record.payloadBytes, '{"Records":[]}'.length) - ','.length;

        expect(Buffer.byteLength(JSON.stringify(kinesisEvent(records)))).toBe(counted);
      }),
    );
  });
});

describe('a mapping', () => {
  it('invokes with records as they come, in order, without waiting for a poll', async () => {
    const seen: string[] = [];
    const mapping = open((data) => {
      seen.push(...data);
      return returned(null);
    });

    for (let index = 0; index < 10; index += 1) {
      stream.put(String(index));
      if (index % 4 === 0) await sleep(1);
    }
    await settled(mapping);

    expect(seen).toEqual(['0', '1', '2', '3', '4', '5', '6', '7', '8', '9']);
    expect(mapping.lag()).toEqual([{ shardId: 'shardId-000000000000', behindRecords: 0, millisBehind: 0 }]);
  });

  it('has one batch in flight per shard, and shards side by side', async () => {
    stream.records.set('shardId-000000000001', []);
    let running = 0;
    let most = 0;
    const perShard = new Map<string, number>();
    const mapping = open(async (_data, event) => {
      const shard = event.Records[0]?.eventID.split(':')[0] ?? '';
      perShard.set(shard, (perShard.get(shard) ?? 0) + 1);
      expect(perShard.get(shard)).toBe(1);
      running += 1;
      most = Math.max(most, running);
      await sleep(10);
      running -= 1;
      perShard.set(shard, 0);
      return returned(null);
    });

    for (let index = 0; index < 12; index += 1) stream.put(String(index), `shardId-00000000000${index % 2}`);
    await settled(mapping);

    expect(most).toBe(2);
  });

  it('reads a shard that appears later from its beginning', async () => {
    const seen: string[] = [];
    const mapping = open(
      (data) => {
        seen.push(...data);
        return returned(null);
      },
      { startingPosition: 'LATEST' },
    );

    stream.put('new', 'shardId-000000000007');
    await settled(mapping);

    expect(seen).toEqual(['new']);
  });

  it('goes on after a restart where it stopped', async () => {
    const seen: string[] = [];
    const handler: Handler = (data) => {
      seen.push(...data);
      return returned(null);
    };
    const first = open(handler);
    stream.put('1');
    stream.put('2');
    await settled(first);
    await first.stop();
    stream.put('3');

    await settled(open(handler));

    expect(seen).toEqual(['1', '2', '3']);
  });

  describe('whose checkpoint the disk does not take', () => {
    const inTheWay = (): string => path.join(folder, `checkpoints-${MAPPING_ID}.json.new`);
    let seen: string[];
    const handler: Handler = (data) => {
      seen.push(...data);
      return returned(null);
    };

    beforeEach(() => {
      seen = [];
    });

    it('goes on, says so once, and writes it as soon as the disk does', async () => {
      const mapping = open(handler);
      mkdirSync(inTheWay());
      for (const data of ['1', '2']) {
        stream.put(data);
        await settled(mapping);
      }
      clock.advance(1_000);
      expect(seen).toEqual(['1', '2']);
      expect(warnings).toEqual([expect.stringMatching(/checkpoint of shardId-0+ is not written: .*; tried again/)]);

      rmdirSync(inTheWay());
      clock.advance(1_000);
      expect(clock.nextDueMs()).toBeUndefined();
      const written = new CheckpointStore(folder, MAPPING_ID, STREAM_ARN).get('shardId-000000000000');

      expect(written).toBe(stream.tip(STREAM_ARN, 'shardId-000000000000'));
    });

    it('writes it as it stops', async () => {
      const mapping = open(handler);
      mkdirSync(inTheWay());
      stream.put('1');
      await settled(mapping);
      rmdirSync(inTheWay());
      await mapping.stop();
      stream.put('2');

      await settled(open(handler));

      expect(seen).toEqual(['1', '2']);
    });

    it('repeats work after a restart otherwise, and leaves nothing out', async () => {
      const mapping = open(handler);
      mkdirSync(inTheWay());
      stream.put('1');
      await settled(mapping);
      await mapping.stop();
      expect(clock.nextDueMs()).toBeUndefined();
      rmdirSync(inTheWay());

      await settled(open(handler));

      expect(seen).toEqual(['1', '1']);
    });
  });

  it('invokes again after a restart what was in flight', async () => {
    let release: () => void = () => undefined;
    const first = open(
      () =>
        new Promise((resolve) => {
          release = () => resolve(threw);
        }),
    );
    stream.put('1');
    await sleep(10);
    const stopped = first.stop();
    release();
    await stopped;
    const seen: string[] = [];

    await settled(
      open((data) => {
        seen.push(...data);
        return returned(null);
      }),
    );

    expect(seen).toEqual(['1']);
  });

  it('keeps the place of LATEST over a restart that comes before the first batch', async () => {
    stream.put('before');
    const first = open(() => returned(null), { startingPosition: 'LATEST' });
    await first.stop();
    stream.put('between');
    const seen: string[] = [];

    await settled(
      open(
        (data) => {
          seen.push(...data);
          return returned(null);
        },
        { startingPosition: 'LATEST' },
      ),
    );

    expect(seen).toEqual(['between']);
  });

  it('starts anew on a stream that was made anew', async () => {
    for (const data of ['1', '2', '3']) stream.put(data);
    const first = open(() => returned(null));
    await settled(first);
    await first.stop();
    stream = new MemoryStream();
    stream.put('new');
    const seen: string[] = [];

    await settled(
      open((data) => {
        seen.push(...data);
        return returned(null);
      }),
    );

    expect(seen).toEqual(['new']);
  });

  it('is idle while it waits for the clock, and goes on when the clock is driven', async () => {
    let attempts = 0;
    const mapping = open(() => {
      attempts += 1;
      return attempts < 4 ? threw : returned(null);
    });
    stream.put('1', undefined, clock.now() - 5_000);

    for (let step = 0; step < 4; step += 1) {
      await settled(mapping);
      clock.advance(10_000);
    }
    await settled(mapping);

    expect(attempts).toBe(4);
    expect(mapping.lag()[0]?.millisBehind).toBe(0);
  });

  it('tells how far it is behind', async () => {
    const mapping = open(() => threw);
    stream.put('1', undefined, clock.now() - 60_000);
    stream.put('2');
    await settled(mapping);

    const [lag] = mapping.lag();

    expect(lag?.behindRecords).toBe(2);
    expect(lag?.millisBehind).toBeGreaterThanOrEqual(60_000);
    expect(mapping.lastResult()).toMatch(/^PROBLEM/);
  });

  it('tries again what was throttled, without using up retries', async () => {
    let attempts = 0;
    const mapping = open(
      () => {
        attempts += 1;
        return attempts < 3 ? { kind: 'throttled', message: 'Rate Exceeded.', requestId: 'r' } : returned(null);
      },
      { settings: { retriesMax: 0 } },
    );
    stream.put('1');

    for (let step = 0; step < 3; step += 1) {
      await settled(mapping);
      clock.advance(10_000);
    }
    await settled(mapping);

    expect(attempts).toBe(3);
    expect(objects.size).toBe(0);
  });
});

describe('the on-failure destination', () => {
  it('gets the document, the payload as text, and the documented key', async () => {
    const mapping = open(() => threw, { settings: { retriesMax: 0 } });
    const sequenceNumber = stream.put('lost');
    await settled(mapping);

    const [[key, body] = ['', '']] = [...objects];

    expect(key).toMatch(
      /^aws\/lambda\/11111111-2222-4333-8444-555555555555\/shardId-000000000000\/\d{4}\/\d\d\/\d\d\/\d{4}-\d\d-\d\dT\d\d\.\d\d\.\d\d-[0-9a-f-]{36}$/,
    );
    const document = JSON.parse(body);
    expect(document).toEqual({
      requestContext: {
        requestId: 'request-2',
        functionArn: FUNCTION_ARN,
        condition: 'RetryAttemptsExhausted',
        approximateInvokeCount: 1,
      },
      responseContext: { statusCode: 200, executedVersion: '$LATEST', functionError: 'Unhandled' },
      version: '1.0',
      timestamp: expect.stringMatching(/Z$/),
      KinesisBatchInfo: {
        shardId: 'shardId-000000000000',
        startSequenceNumber: sequenceNumber,
        endSequenceNumber: sequenceNumber,
        approximateArrivalOfFirstRecord: expect.stringMatching(/Z$/),
        approximateArrivalOfLastRecord: expect.stringMatching(/Z$/),
        batchSize: 1,
        streamArn: STREAM_ARN,
      },
      payload: expect.any(String),
    });
    expect(JSON.parse(document.payload).Records[0].kinesis.data).toBe(Buffer.from('lost').toString('base64'));
  });

  it('gets no responseContext for records that are too old', async () => {
    const mapping = open(() => returned(null), { settings: { recordAgeMsMax: 60_000 } });
    stream.put('old', undefined, clock.now() - 61_000);
    await settled(mapping);

    const document = JSON.parse([...objects.values()][0] ?? '');

    expect(document.requestContext.condition).toBe('RecordAgeExceeded');
    expect(document).not.toHaveProperty('responseContext');
  });

  it('gets metadata only when it is a queue', async () => {
    const onFailureArn = 'arn:aws:sqs:us-east-1:000000000000:failures';
    const mapping = open(() => threw, { settings: { retriesMax: 0 }, onFailureArn });
    stream.put('lost');
    await settled(mapping);

    expect(sent).toHaveLength(1);
    expect(JSON.parse(sent[0] ?? '')).not.toHaveProperty('payload');
  });

  it.each([
    ['does not take the records', 'arn:aws:s3:::elsewhere', /lost 1 records .*elsewhere/],
    ['is not there', undefined, /dropped 1 records .*no on-failure destination/],
  ])('is named in a warning when it %s, and the shard goes on', async (_name, onFailureArn, warning) => {
    const seen: string[] = [];
    const mapping = open(
      (data) => {
        seen.push(...data);
        return data.includes('bad') ? threw : returned(null);
      },
      { settings: { retriesMax: 0, batchSize: 1 }, onFailureArn },
    );
    stream.put('bad');
    stream.put('good');
    await settled(mapping);

    expect(seen).toEqual(['bad', 'good']);
    expect(warnings).toEqual([expect.stringMatching(warning)]);
  });
});
