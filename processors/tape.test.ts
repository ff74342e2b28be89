import { describe, expect, test } from '@jest/globals';
import { padSequence } from '../streams/position.ts';
import { parseTapeKey } from '../streams/tape/tape-key.ts';
import { decodeTape, parseTapeMetadata } from '../streams/tape/tape-object.ts';
import { kinesisEvent, sequenceOf } from '../test/support/processors/kinesis-event.ts';
import { StateUnavailable } from './books/state-table.ts';
import { PayloadError } from './ports.ts';
import { createTapeHandler, type TapeObjectToKeep, type TapePorts } from './tape.ts';

const NOW_MS = Date.UTC(2026, 5, 1, 12, 0, 5);
const CONTEXT = { awsRequestId: 'request', getRemainingTimeInMillis: () => 60_000 };

function ports(more: Partial<TapePorts> = {}) {
  const kept: TapeObjectToKeep[] = [];
  const deadlines: number[] = [];
  const lines: Record<string, unknown>[] = [];
  return {
    kept,
    deadlines,
    lines,
    tape: {
      async keep(object: TapeObjectToKeep, deadlineMs: number) {
        kept.push(object);
        deadlines.push(deadlineMs);
      },
    },
    streams: { createdAtMs: async () => 1_700_000_000_000 },
    clock: { now: () => NOW_MS },
    log: (line: string) => void lines.push(JSON.parse(line)),
    ...more,
  };
}

const PAYLOADS = ['{', '\u0000', 'ü'].map((text) => Buffer.from(text));

describe('the tape', () => {
  test('keeps a batch as one object, as it came, whatever is in it', async () => {
    const given = ports();

    const answer = await createTapeHandler('DataPipeline', given)(kinesisEvent(PAYLOADS), CONTEXT);

    expect(answer).toEqual({ batchItemFailures: [] });
    const [object, ...others] = given.kept;
    expect(others).toEqual([]);
    const span = parseTapeKey(object?.key ?? '');
    expect(span).toMatchObject({
      createdAtMs: 1_700_000_000_000,
      first: padSequence(sequenceOf(0)),
      last: padSequence(sequenceOf(2)),
      hour: '2026-06-01T12',
    });
    expect(decodeTape(object?.body ?? Buffer.alloc(0), 'shard').map(({ data }) => data)).toEqual(PAYLOADS);
    expect(parseTapeMetadata(object?.metadata ?? {})).toMatchObject({ records: 3, bytes: 4 });
    expect(given.deadlines).toEqual([NOW_MS + 59_000]);
    expect(given.lines).toMatchObject([{ level: 'INFO', TapeRecords: 3, TapeBytes: 4, key: object?.key }]);
  });

  test('names the same object when a batch is tried again', async () => {
    const given = ports();
    const handler = createTapeHandler('DataPipeline', given);
    await handler(kinesisEvent(PAYLOADS), CONTEXT);
    await handler(kinesisEvent(PAYLOADS), CONTEXT);

    expect(given.kept[1]?.key).toBe(given.kept[0]?.key);
  });

  test.each<[string, Partial<TapePorts>]>([
    [
      'the object is not known to be kept',
      { tape: { keep: () => Promise.reject(new PayloadError('S3 is away', { cause: 1 })) } },
    ],
    [
      'the stream cannot be described',
      { streams: { createdAtMs: () => Promise.reject(new StateUnavailable('Kinesis is away', { cause: 1 })) } },
    ],
  ])('has the batch tried again from its first record when %s', async (_, more) => {
    const given = ports(more);

    const answer = await createTapeHandler('DataPipeline', given)(kinesisEvent(PAYLOADS), CONTEXT);

    expect(answer).toEqual({ batchItemFailures: [{ itemIdentifier: sequenceOf(0) }] });
    expect(given.lines).toMatchObject([{ level: 'WARN', TapeRecords: 0, failure: expect.stringContaining('is away') }]);
  });

  test('has nothing to keep of an event without records', async () => {
    expect(await createTapeHandler('DataPipeline', ports())({ Records: [] }, CONTEXT)).toEqual({
      batchItemFailures: [],
    });
  });
});
