import { describe, expect, it } from '@jest/globals';
import type { SQSEvent, SQSRecord } from 'aws-lambda';
import { IngestionWorld, RAW } from '../../test/support/batch/ingestion-world.ts';
import { createIngestionHandler, type IngestionPorts } from './handler.ts';

const SETTINGS = {
  bucket: RAW,
  datasets: new Set(['earthquakes', 'flights']),
  defaultDataset: 'earthquakes',
  chunkRecordsMax: 2,
  runsQueue: 'runs',
  ingestQueue: 'ingest',
  metricsNamespace: 'Test',
};
const CONTEXT = { getRemainingTimeInMillis: () => 900_000 };

function message(queue: string, messageId: string, body: unknown, more: Partial<SQSRecord> = {}): SQSRecord {
  return {
    messageId,
    body: typeof body === 'string' ? body : JSON.stringify(body),
    receiptHandle: `handle-${messageId}`,
    eventSource: 'aws:sqs',
    eventSourceARN: `arn:aws:sqs:us-east-1:000000000000:${queue}`,
    awsRegion: 'us-east-1',
    md5OfBody: '',
    messageAttributes: {},
    attributes: {
      ApproximateReceiveCount: '1',
      SentTimestamp: '0',
      SenderId: 'me',
      ApproximateFirstReceiveTimestamp: '0',
    },
    ...more,
  };
}

const dropped = (key: string, etag: string, size = 10) => ({
  source: 'aws.s3',
  'detail-type': 'Object Created',
  detail: { bucket: { name: RAW }, object: { key, size, etag } },
});

function setUp(change: Partial<IngestionPorts> = {}) {
  const world = new IngestionWorld();
  const retries: [id: string, seconds: number][] = [];
  const lines: string[] = [];
  const handler = createIngestionHandler(SETTINGS, {
    ...world.ports,
    retryAfter: async ({ messageId }, seconds) => void retries.push([messageId, seconds]),
    log: (line) => lines.push(line),
    ...change,
  });
  const take = (...Records: SQSRecord[]) => handler({ Records } satisfies SQSEvent, CONTEXT);
  return { world, retries, lines, take };
}

const failed = (...ids: string[]) => ({ batchItemFailures: ids.map((itemIdentifier) => ({ itemIdentifier })) });

describe('a message of the queue of runs', () => {
  it('is a dropped object, which is one run however often it is told of', async () => {
    const { world, take, lines } = setUp();
    const { etag } = world.putObject('incoming/flights/a', '1\n2\n3\n');
    const event = dropped('incoming/flights/a', etag);

    expect(await take(message('runs', 'm1', event))).toEqual(failed());
    expect(await take(message('runs', 'm2', event), message('runs', 'm3', event))).toEqual(failed());

    expect(world.chunks()).toEqual(['incoming/flights/a:0', 'incoming/flights/a:1']);
    expect([...world.runs.values()]).toEqual([
      expect.objectContaining({ dataset: 'flights', produced: 3, hasAllProduced: true, error: undefined }),
    ]);
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({
      IngestedChunks: 2,
      runs: [{ outcome: 'finished', produced: 3 }],
    });
  });

  it('tells of an object that was replaced: the run of the older one fails, whichever comes first', async () => {
    const { world, take } = setUp();
    const older = world.putObject('incoming/a', '1\n');
    const newer = world.putObject('incoming/a', '1\n2\n');

    await take(message('runs', 'm1', dropped('incoming/a', newer.etag)));
    await take(message('runs', 'm2', dropped('incoming/a', older.etag)));

    expect([...world.runs.values()].map(({ produced, error }) => [produced, error])).toEqual([
      [2, undefined],
      [0, expect.stringMatching(/was replaced before it was read/)],
    ]);
  });

  it('is a failed run where no dataset has the folder', async () => {
    const { world, take } = setUp();
    const { etag } = world.putObject('incoming/trains/a', '1\n');

    expect(await take(message('runs', 'm1', dropped('incoming/trains/a', etag)))).toEqual(failed());

    expect([...world.runs.values()]).toEqual([
      expect.objectContaining({
        hasAllProduced: true,
        produced: 0,
        error: expect.stringMatching(/incoming\/trains\//),
      }),
    ]);
  });

  it('makes a run of each object that it tells of, and asks for those after the first', async () => {
    const { world, take } = setUp();
    const [a, b] = ['incoming/a', 'incoming/b'].map((key) => world.putObject(key, '1\n'));
    const record = (object = a) => ({
      s3: { bucket: { name: RAW }, object: { ...object, size: 2, eTag: object?.etag } },
    });

    await take(message('runs', 'm1', { Records: [record(a), record(b)] }));

    expect(world.chunks()).toEqual(['incoming/a:0']);
    const [, second] = [...world.runs.values()];
    expect(world.requests).toEqual([{ kind: 'run', runId: second?.id }]);
  });

  it.each([
    ['that is no JSON', 'hello', /no JSON of a known kind/],
    ['that says nothing', { a: 1 }, /no JSON of a known kind/],
    ['for a run that there is not', { kind: 'run', runId: 'none' }, /there is no run none/],
  ])('%s comes again by itself, a little later each time', async (_, body, reason) => {
    const { take, retries, lines } = setUp();
    const attributes = { ...message('runs', '', '').attributes, ApproximateReceiveCount: '3' };
    const good = message('runs', 'good', dropped('incoming/folder/', 'e', 0));

    expect(await take(good, message('runs', 'bad', body, { attributes }))).toEqual(failed('bad'));

    expect(retries).toEqual([['bad', 60]]);
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({ level: 'WARN', failures: [expect.stringMatching(reason)] });
  });
});

describe('a message of users', () => {
  it('goes onto the stream as events of the dataset that its attribute names, or of the default', async () => {
    const { world, take } = setUp();
    const attribute = { stringValue: 'flights', dataType: 'String' } as const;

    await take(
      message('ingest', 'm1', { delay: 1 }, { messageAttributes: { dataset: attribute } }),
      message('ingest', 'm2', [{ id: 'a' }, { id: 'b' }]),
    );

    const events = world.stream.flatMap(({ data }) => JSON.parse(data.toString()));
    expect(events.map(({ type, id, chunkid }) => [type, id, chunkid])).toEqual([
      ['flights', 'm1', 'm1'],
      ['earthquakes', 'm2/0', 'm2'],
      ['earthquakes', 'm2/1', 'm2'],
    ]);
    expect(world.runs.size).toBe(0);
  });

  it('comes again alone where the stream does not take it', async () => {
    const put: IngestionPorts['put'] = async ([record]) => {
      if (record?.partitionKey === 'm2') throw new Error('throttled');
    };
    const { take, retries } = setUp({ put, retryAfter: async () => Promise.reject(new Error('no answer')) });

    const answer = await take(...['m1', 'm2', 'm3'].map((id) => message('ingest', id, { id })));

    expect(answer).toEqual(failed('m2'));
    expect(retries).toEqual([]);
  });
});

it('takes no message of a queue that it does not know', async () => {
  expect(await setUp().take(message('other', 'm1', {}))).toEqual(failed('m1'));
});
