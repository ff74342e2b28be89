/** What a schedule's run reads, over the real store of pulled documents. */
import { GetObjectCommand } from '@aws-sdk/client-s3';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { Dataset, DatasetSchedule } from '../../schemas/dataset.ts';
import { datasets } from '../../schemas/index.ts';
import { BadObject } from '../../streams/ingest/source-object.ts';
import { BUCKET, openS3Endpoint, type S3Endpoint } from '../../test/support/local/s3-endpoint.ts';
import { createMemoryStateTable, type MemoryStateTable } from '../../test/support/processors/memory-state-table.ts';
import { createS3PulledObjects } from '../adapters/s3-pulled-objects.ts';
import type { Run } from '../runs/run.ts';
import { createReadSchedule, type PulledReader } from './pull-schedule.ts';
import type { RunStep } from './read-run.ts';
import { scheduledRun } from './scheduled-run.ts';
import { type Validators, type WebAnswer, type WebDocument, type WebRequest, WebUnavailable } from './web.ts';

const HOUR_MS = 3_600_000;
const NOON_MS = Date.UTC(2026, 10, 25, 12);
const KEY = 'pulled/earthquakes/feed/2026-11-25T12:00:00Z/all_hour.geojson';
const DEADLINE = { isOver: () => false };

let s3: S3Endpoint;
let table: MemoryStateTable;
let asked: WebRequest[];
let answers: (WebAnswer | Error)[];
let read: { readonly source: object; readonly mayBeEmpty?: boolean }[];
/** What reading an object gives after its two steps. */
let readFails: Error | undefined;
let schedule: DatasetSchedule;

const reader: PulledReader = {
  async *readObject(_run, source) {
    read.push({ source });
    yield step(1);
    yield step(2);
    if (readFails) throw readFails;
  },
  async *readPrefix(_run, source, _deadline, mayBeEmpty) {
    read.push({ source, mayBeEmpty });
    yield step(1);
  },
};

const step = (produced: number): RunStep => ({
  record: { partitionKey: 'k', data: Buffer.from('d') },
  produced,
  position: `p${produced}`,
});

beforeEach(async () => {
  s3 = await openS3Endpoint();
  table = createMemoryStateTable();
  asked = [];
  answers = [];
  read = [];
  readFails = undefined;
  schedule = {
    name: 'feed',
    expression: 'rate(1 hour)',
    pull: { kind: 'http', url: 'https://feed.example/v1/all_hour.geojson?hours=1', bytesMax: 500 },
  };
});

afterEach(() => s3.close());

let discarded: number;
function document(text: string, validators: Validators = {}): WebAnswer {
  discarded = 0;
  const content: WebDocument = {
    ...validators,
    sizeBytes: Buffer.byteLength(text),
    contentType: 'application/json',
    open: () =>
      (async function* () {
        yield Buffer.from(text);
      })(),
    discard: async () => {
      discarded += 1;
    },
  };
  return { kind: 'document', document: content };
}

function declared(): ReadonlyMap<string, Dataset> {
  const earthquakes = datasets.get('earthquakes');
  if (!earthquakes) throw new Error('no earthquakes');
  const definition = { ...earthquakes.definition, schedules: [schedule] };
  return new Map([['earthquakes', { ...earthquakes, definition }]]);
}

function runAt(ms: number): Run {
  const request = { kind: 'schedule', dataset: 'earthquakes', schedule: 'feed' } as const;
  const made = scheduledRun(
    { ...request, scheduledAt: new Date(ms).toISOString() },
    { datasets: declared(), chunkRecordsMax: 100 },
  );
  return {
    ...made,
    ...{ status: 'running', createdAtMs: ms, updatedAtMs: ms, startedAtMs: ms, endedAtMs: undefined },
    ...{ produced: 0, hasAllProduced: false, position: '', error: undefined, cancelRequestedAtMs: undefined },
  };
}

function steps(run: Run): AsyncIterable<RunStep> {
  const readSchedule = createReadSchedule({
    datasets: declared(),
    bucket: BUCKET,
    reader,
    web: {
      get: async (request) => {
        asked.push(request);
        const answer = answers.shift() ?? new Error('nothing more to answer');
        if (answer instanceof Error) throw answer;
        return answer;
      },
    },
    pulled: createS3PulledObjects(s3.client),
    table,
  });
  return readSchedule(run, DEADLINE);
}

const positions = async (run: Run) =>
  (await Array.fromAsync(steps(run))).map(({ record, position }) => `${record ? 'put' : 'kept'} ${position}`);

const bytesOf = async (Key: string) =>
  (await s3.client.send(new GetObjectCommand({ Bucket: BUCKET, Key }))).Body?.transformToString();

describe('a pull of a document', () => {
  const V1 = { etag: 'W/"v1"', lastModified: 'Wed, 25 Nov 2026 11:59:00 GMT' };

  it('keeps it as an object, reads that, and has all of it on the stream before it keeps its ETag', async () => {
    answers = [document('{"features":[]}', V1)];
    const seen: string[] = [];
    for await (const { record, position } of steps(runAt(NOON_MS))) {
      seen.push(`${record ? 'put' : 'kept'} ${position}`);
      expect(table.items()).toEqual([]);
    }

    expect(seen).toEqual(['put p1', 'put p2', 'kept p2']);
    expect(asked).toEqual([
      {
        url: 'https://feed.example/v1/all_hour.geojson?hours=1',
        bytesMax: 500,
        timeoutMs: 60_000,
        known: undefined,
      },
    ]);
    expect(await bytesOf(KEY)).toBe('{"features":[]}');
    expect(read).toEqual([{ source: { bucket: BUCKET, key: KEY, etag: expect.stringMatching(/^[0-9a-f]{32}$/) } }]);
    expect(discarded).toBe(1);
    expect(table.items()).toMatchObject([
      {
        pk: 'pull#earthquakes',
        sk: 'feed',
        attributes: { scheduled_at: NOON_MS, etag: V1.etag, last_modified: V1.lastModified },
      },
    ]);
  });

  it('asks by the ETag of the one before, and reads nothing when it has not changed', async () => {
    answers = [document('a', V1), { kind: 'unchanged' }];
    await positions(runAt(NOON_MS));

    expect(await positions(runAt(NOON_MS + HOUR_MS))).toEqual([]);
    expect(asked[1]?.known).toEqual(V1);
    expect(read).toHaveLength(1);
  });

  it('forgets the ETag when the newer document has none, and when the URL is another', async () => {
    answers = [document('a', V1), document('b'), document('c', V1), document('d')];
    await positions(runAt(NOON_MS));
    await positions(runAt(NOON_MS + HOUR_MS));
    await positions(runAt(NOON_MS + 2 * HOUR_MS));
    schedule = { ...schedule, pull: { kind: 'http', url: 'https://feed.example/v2/all_hour.geojson' } };
    await positions(runAt(NOON_MS + 3 * HOUR_MS));

    expect(asked.map(({ known }) => known)).toEqual([undefined, V1, {}, undefined]);
  });

  it('that is tried again reads the bytes that it has, and does not ask again', async () => {
    answers = [document('first', V1), document('second')];
    for await (const _ of steps(runAt(NOON_MS))) break;

    expect(await positions(runAt(NOON_MS))).toEqual(['put p1', 'put p2', 'kept p2']);
    expect(asked).toHaveLength(1);
    expect(await bytesOf(KEY)).toBe('first');
    expect(table.items()).toMatchObject([{ attributes: { etag: V1.etag } }]);
  });

  it('reads what another attempt was quicker to keep', async () => {
    const port = createS3PulledObjects(s3.client);
    const kept = async (text: string, etag: string) => {
      const answer = document(text, { etag });
      if (answer.kind === 'document') await port.put(BUCKET, KEY, answer.document);
    };
    await kept('first', '"1 ä"');
    await kept('second', '"2"');

    expect(await bytesOf(KEY)).toBe('first');
    expect(await port.find(BUCKET, KEY)).toMatchObject({ etag: '"1 ä"' });
    expect(await port.find(BUCKET, `${KEY}x`)).toBeUndefined();
  });

  it('does not go back to an earlier time', async () => {
    answers = [document('late', { etag: '"late"' }), document('early', { etag: '"early"' })];
    await positions(runAt(NOON_MS + HOUR_MS));
    await positions(runAt(NOON_MS));

    expect(table.items()).toMatchObject([{ attributes: { scheduled_at: NOON_MS + HOUR_MS, etag: '"late"' } }]);
  });

  it('keeps no ETag of what could not be read to its end', async () => {
    answers = [document('{', V1)];
    readFails = new BadObject('broken');

    await expect(positions(runAt(NOON_MS))).rejects.toThrow('broken');
    expect(table.items()).toEqual([]);
  });

  it('ends with the reason when the host refuses, and is tried again when it does not answer', async () => {
    answers = [{ kind: 'refused', reason: 'received status 404' }, new WebUnavailable('no answer')];

    await expect(positions(runAt(NOON_MS))).rejects.toThrow(new BadObject('received status 404'));
    await expect(positions(runAt(NOON_MS))).rejects.toThrow(WebUnavailable);
    expect(read).toEqual([]);
  });

  it('is kept whole when it is large', async () => {
    const text = 'x'.repeat(8 * 1024 * 1024 + 1);
    answers = [document(text)];
    await positions(runAt(NOON_MS));

    expect(await bytesOf(KEY)).toBe(text);
  });

  it('names its object by what a URL has, however odd', async () => {
    answers = [document('a')];
    schedule = { ...schedule, pull: { kind: 'http', url: 'https://feed.example/a/%C3%A4 b/' } };
    await positions(runAt(NOON_MS));

    expect(read).toMatchObject([{ source: { key: 'pulled/earthquakes/feed/2026-11-25T12:00:00Z/document' } }]);
  });
});

it('a pull of a prefix reads its objects, and may find none', async () => {
  schedule = { ...schedule, pull: { kind: 's3', prefix: 'incoming/earthquakes/' } };

  expect(await positions(runAt(NOON_MS))).toEqual(['put p1']);
  expect(read).toEqual([{ source: { bucket: BUCKET, prefix: 'incoming/earthquakes/' }, mayBeEmpty: true }]);
  expect(asked).toEqual([]);
});

it('a schedule that was taken out of its dataset ends its run', async () => {
  const run = runAt(NOON_MS);
  schedule = { ...schedule, name: 'other' };

  const reading = positions(run);

  await expect(reading).rejects.toBeInstanceOf(BadObject);
  await expect(reading).rejects.toThrow('schedule: received "earthquakes/feed", declared: earthquakes/other');
});
