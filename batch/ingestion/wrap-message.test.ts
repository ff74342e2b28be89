import { describe, expect, it } from '@jest/globals';
import { datasets } from '../../schemas/index.ts';
import { createDecodeContext } from '../../streams/codecs/decode-context.ts';
import { decodeRecord } from '../../streams/codecs/decode-record.ts';
import { RECORD_BYTES_MAX } from '../../streams/producer/limits.ts';
import { wrapMessage } from './wrap-message.ts';

const MESSAGE = { messageId: 'm-1', queueArn: 'arn:aws:sqs:us-east-1:000000000000:data-pipeline-ingest' };
const CONTEXT = createDecodeContext({ datasets: datasets.values(), defaultDataset: 'earthquakes', defaultSource: 'x' });
const EVENT = { specversion: '1.0', id: 'a', source: '/mine', type: 'flights', data: { delay: 1 } };

const wrap = (body: string, dataset = 'flights') => wrapMessage({ ...MESSAGE, body, dataset });
/** What the processor makes of the records. */
const decoded = (body: string, dataset?: string) =>
  wrap(body, dataset).flatMap(({ data }) => decodeRecord(data, CONTEXT));

describe('a message of plain JSON', () => {
  it('is an event that says where it came from, and counts once by its message', () => {
    expect(decoded('{"delay": 1}')).toEqual([
      expect.objectContaining({
        kind: 'event',
        id: 'm-1',
        source: MESSAGE.queueArn,
        dataset: datasets.get('flights'),
        chunkId: 'm-1',
        runId: undefined,
        value: { delay: 1 },
      }),
    ]);
  });

  it('is an event for each element of a list', () => {
    const events = decoded('[{"delay":1}, {"delay":2} ,3]');

    expect(events.map((event) => event.kind === 'event' && [event.id, event.chunkId, event.value])).toEqual([
      ['m-1/0', 'm-1', { delay: 1 }],
      ['m-1/1', 'm-1', { delay: 2 }],
      ['m-1/2', 'm-1', 3],
    ]);
  });

  it('keeps its own text: digits of numbers, order and escapes', () => {
    const text = '{"n": 12345678901234567890.10, "b":"\\ud83d\\ude00", "a":[ ]}';

    for (const body of [text, `[${text},${text}]`, `\u{FEFF}${text}`]) {
      const [record] = wrap(body);
      expect(record?.data.toString()).toContain(`"data":${text}}`);
    }
  });

  it('becomes several chunks where it has more events than a record may hold', () => {
    const records = wrap(`[${Array.from({ length: 25_000 }, (_, index) => index).join(',')}]`);
    const events = records.flatMap(({ data }) => decodeRecord(data, CONTEXT));

    expect(records.every(({ data }) => data.length <= RECORD_BYTES_MAX - 256)).toBe(true);
    expect(events.map((event) => event.kind === 'event' && event.value)).toEqual(
      Array.from({ length: 25_000 }, (_, index) => index),
    );
    expect([...new Set(events.map(({ chunkId }) => chunkId))]).toEqual(['m-1', 'm-1/1', 'm-1/2']);
    expect(new Set(events.map((event) => event.kind === 'event' && event.id)).size).toBe(25_000);
  });

  it('of a mebibyte fits a record of the stream', () => {
    const body = JSON.stringify({ text: 'ü€x'.repeat(174_000) });

    const [record] = wrap(body);

    expect(Buffer.byteLength(body)).toBeGreaterThan(RECORD_BYTES_MAX - 10_000);
    expect(record?.data.length).toBeLessThan(RECORD_BYTES_MAX - 256);
    expect(decoded(body)).toEqual([expect.objectContaining({ kind: 'event', value: JSON.parse(body) })]);
  });
});

describe('a message that is for itself', () => {
  it.each([
    ['a CloudEvent', JSON.stringify(EVENT)],
    ['a batch of CloudEvents', ` ${JSON.stringify([EVENT, EVENT])}`],
    ['a batch with something else in it', JSON.stringify([{ delay: 1 }, EVENT])],
    ['an empty list', '[]'],
    ['no JSON', '{"delay": 1'],
    ['a word', 'hello'],
  ])('goes as it is: %s', (_, body) => {
    expect(wrap(body)).toEqual([{ partitionKey: 'm-1', data: Buffer.from(body) }]);
  });

  it('is quarantined with its bytes when it is no JSON', () => {
    const [outcome] = decoded('{"delay": 1');

    expect(outcome).toMatchObject({ kind: 'undecodable', failure: { code: 'INVALID_JSON' } });
    expect(outcome?.bytes().toString()).toBe('{"delay": 1');
  });

  it('names a dataset that there is not, and is quarantined for it', () => {
    expect(decoded('{}', 'trains')).toMatchObject([{ kind: 'undecodable', failure: { code: 'UNKNOWN_DATASET' } }]);
  });
});
