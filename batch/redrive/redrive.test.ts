import { describe, expect, test } from '@jest/globals';
import { createClaims } from '../../processors/books/claims.ts';
import { encodeCounts, journalPut } from '../../processors/books/journal-entry.ts';
import { misdeliveredKey, parkedKey } from '../../processors/books/keys.ts';
import { replayClaim } from '../../processors/claim-items.ts';
import { readParkedRecords } from '../../processors/landed/parked-records.ts';
import type { PackedRecord } from '../../processors/ports.ts';
import { createRecordIdentity, formatPosition, padSequence } from '../../streams/position.ts';
import { encodeReplayFrame, readReplayFrame } from '../../streams/replay-frame.ts';
import { ARRIVED_AT_MS, kinesisEvent, sequenceOf } from '../../test/support/processors/kinesis-event.ts';
import { createMemoryStateTable } from '../../test/support/processors/memory-state-table.ts';
import type { TapePlace } from '../reconcile/judge-entry.ts';
import { createRedriveHandler, type RedrivePorts } from './handler.ts';
import type { PlayedRecord } from './redrive-parked.ts';

const STREAM_ARN = 'arn:aws:kinesis:us-east-1:123456789012:stream/data-pipeline-stream';
const SHARD = { streamArn: STREAM_ARN, createdAtMs: 1_700_000_000_000, shardId: 'shardId-000000000006' };
const CONTEXT = { getRemainingTimeInMillis: () => 900_000 };
const PARKED_KEY = 'aws/lambda/uuid/shardId-000000000006/2026/06/01/doc';
const ERRORS_KEY = 'errors/flights/format-conversion-failed/doc';

const event = kinesisEvent(['a', 'b', 'c'].map((text) => Buffer.from(text)));
const shardId = event.Records[0]?.eventID.split(':')[0] ?? '';
/** Where the record of a frame first stood. */
const PLACE = { shardId: 'shardId-000000000001', sequenceNumber: '7', partitionKey: 'k', arrivedAtMs: 1 };
const identity = createRecordIdentity('data-pipeline-stream');
const placesOf = (...indexes: readonly number[]): TapePlace[] =>
  indexes.map((index) => {
    const ids = identity.forRecord(shardId, sequenceOf(index));
    const position = padSequence(sequenceOf(index));
    return { position, fingerprint: ids.first32(0), recordId: ids.textOf(0), arrivedAtMs: ARRIVED_AT_MS };
  });
const spanOf = (...indexes: readonly number[]) => ({
  records: indexes.length,
  fingerprint: indexes.reduce(
    (sum, index) => sum + BigInt(identity.forRecord(shardId, sequenceOf(index)).first32(0)),
    0n,
  ),
});

async function books(more: Partial<RedrivePorts> = {}) {
  const table = createMemoryStateTable();
  const played: PlayedRecord[] = [];
  const delivered: { table: string; records: readonly PackedRecord[] }[] = [];
  const documents = new Map([
    [PARKED_KEY, JSON.stringify({ payload: JSON.stringify(event) })],
    [
      ERRORS_KEY,
      ['{"x":1}', '{"x":2}\n']
        .map((text) => JSON.stringify({ rawData: Buffer.from(text).toString('base64') }))
        .join('\n'),
    ],
  ]);
  const read = async (key: string) => documents.get(key) ?? '';
  const ports: RedrivePorts = {
    table,
    documents: { parkedRecords: async (key) => readParkedRecords(await read(key)) },
    readErrors: read,
    tapeOf: async () => placesOf(),
    streams: { createdAtMs: async () => SHARD.createdAtMs },
    put: async (records) => void played.push(...records),
    delivery: {
      async deliver(call) {
        delivered.push(call);
        return [];
      },
    },
    now: () => ARRIVED_AT_MS,
    log: () => {},
    ...more,
  };
  const range = { from: padSequence(sequenceOf(0)), to: padSequence(sequenceOf(2)), records: 3, payload: true };
  const parked = { status: 'parked', stream_arn: STREAM_ARN, shard: shardId, ...range };
  await table.transact([
    { kind: 'put', key: parkedKey(PARKED_KEY), attributes: parked, when: 'new' },
    {
      kind: 'put',
      key: misdeliveredKey(ERRORS_KEY),
      attributes: { status: 'misdelivered', table: 'flights' },
      when: 'new',
    },
  ]);
  return { table, ports, played, delivered, documents, handler: createRedriveHandler(ports) };
}

/** An entry of the journal that spans all three records. */
async function addEntry(given: Awaited<ReturnType<typeof books>>, counts: ReturnType<typeof spanOf>): Promise<void> {
  const entry = {
    shard: { ...SHARD, shardId },
    after: '',
    from: padSequence(sequenceOf(0)),
    to: padSequence(sequenceOf(7)),
    requestId: 'r',
    attempts: 1,
    version: 'v',
    committedAtMs: 0,
    arrivedFromMs: ARRIVED_AT_MS,
    arrivedToMs: ARRIVED_AT_MS,
    ...counts,
  };
  await given.table.transact([journalPut(entry, encodeCounts({ groups: [], latencies: [] }))]);
}

const statusOf = async ({ table }: Awaited<ReturnType<typeof books>>, key = parkedKey(PARKED_KEY)) =>
  (await table.get(key))?.attributes.status;

describe('redrive', () => {
  test('plays parked records again with their identity, once', async () => {
    const given = await books();

    const report = await given.handler({ what: 'parked' }, CONTEXT);

    expect(report).toEqual({ played: 3, counted: 0, delivered: 0, objects: 1, waiting: 0, failures: [] });
    expect(given.played.map(({ data }) => readReplayFrame(data))).toMatchObject(
      ['a', 'b', 'c'].map((text, index) => ({
        shardId,
        sequenceNumber: sequenceOf(index),
        arrivedAtMs: ARRIVED_AT_MS,
        generation: 1,
        data: Buffer.from(text),
      })),
    );
    expect(await statusOf(given)).toBe('redriven');
    expect(await given.handler({ what: 'parked' }, CONTEXT)).toMatchObject({ played: 0, objects: 0 });
  });

  test('leaves out what the journal counts all the same: the tape tells', async () => {
    const given = await books({ tapeOf: async () => placesOf(0, 1, 2) });
    await addEntry(given, spanOf(0, 1, 2));

    expect(await given.handler({ what: 'parked' }, CONTEXT)).toMatchObject({ played: 0, counted: 3 });
  });

  test('plays what an entry spans and does not count: records that were given up for their age', async () => {
    const given = await books({ tapeOf: async () => placesOf(0, 1, 2, 7) });
    await addEntry(given, spanOf(7));

    expect(await given.handler({ what: 'parked' }, CONTEXT)).toMatchObject({ played: 3, counted: 0 });
  });

  test('leaves a document where it is when the tape does not tell, and says so', async () => {
    const given = await books({ tapeOf: async () => placesOf(0) });
    await addEntry(given, spanOf(0, 1, 2));

    const report = await given.handler({ what: 'parked' }, CONTEXT);

    expect(report).toMatchObject({
      played: 0,
      objects: 0,
      failures: [{ key: PARKED_KEY, reason: expect.stringContaining('the tape does not tell') }],
    });
    expect([given.played, await statusOf(given)]).toEqual([[], 'parked']);
  });

  test('that was cut off while it put is taken up again', async () => {
    let puts = 0;
    const given = await books({
      async put() {
        puts += 1;
        if (puts === 1) throw new Error('Kinesis is away');
      },
    });

    expect(await given.handler({ what: 'parked' }, CONTEXT)).toMatchObject({
      failures: [{ reason: 'Kinesis is away' }],
    });
    expect(await statusOf(given)).toBe('redriving');
    expect(await given.handler({ what: 'parked' }, CONTEXT)).toMatchObject({ played: 3, objects: 1, failures: [] });
  });

  test('leaves out a frame whose other copy has the claim, and plays on the one that has it', async () => {
    const frame = encodeReplayFrame({ ...PLACE, generation: 1, data: Buffer.from('a') });
    const copies = kinesisEvent([frame]);
    const carriedAt = formatPosition(shardId, sequenceOf(0), 0);
    for (const [owner, played] of [
      ['another copy', 0],
      [carriedAt, 1],
    ] as const) {
      const given = await books();
      given.documents.set(PARKED_KEY, JSON.stringify({ payload: copies }));
      await createClaims(given.table, { now: () => 0 }).claim([replayClaim(PLACE, owner, 1)]);

      const report = await given.handler({ what: 'parked' }, CONTEXT);

      expect(report).toMatchObject({ played, counted: 1 - played, failures: [] });
      expect(given.played.map(({ data }) => readReplayFrame(data))).toMatchObject(
        played ? [{ ...PLACE, generation: 2 }] : [],
      );
    }
  });

  test('puts what Firehose could not deliver to Firehose, each document with its end', async () => {
    const given = await books();

    expect(await given.handler({ what: ['misdelivered'] }, CONTEXT)).toMatchObject({ delivered: 2, played: 0 });
    expect(given.delivered).toMatchObject([
      { table: 'flights', records: [{ data: Buffer.from('{"x":1}\n{"x":2}\n'), documents: 2 }] },
    ]);
    expect(await statusOf(given, misdeliveredKey(ERRORS_KEY))).toBe('redriven');
  });

  test('leaves an error object that has a line without its document', async () => {
    const given = await books();
    given.documents.set(ERRORS_KEY, '{"errorCode":"x"}\n');

    expect(await given.handler({}, CONTEXT)).toMatchObject({
      played: 3,
      delivered: 0,
      failures: [{ key: ERRORS_KEY, reason: 'line 1: received no rawData in base64' }],
    });
  });

  test('does nothing in a dry run, and takes up only the objects that are named', async () => {
    const given = await books();

    expect(await given.handler({ dryRun: true }, CONTEXT)).toMatchObject({ waiting: 2, objects: 0 });
    expect(await given.handler({ keys: [ERRORS_KEY] }, CONTEXT)).toMatchObject({ delivered: 2, played: 0, objects: 1 });
  });

  test.each([
    [{ what: 'everything' }, 'what: received "everything", allowed: parked, misdelivered'],
    [{ keys: 'a' }, 'keys: received "a", allowed: a list of object keys'],
    [{ dryRun: 1 }, 'dryRun: received 1, allowed: true, false'],
  ])('refuses %j', async (request, reason) => {
    await expect((await books()).handler(request, CONTEXT)).rejects.toThrow(reason);
  });
});
