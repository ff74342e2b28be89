import { describe, expect, it } from '@jest/globals';
import { StateUnavailable } from '../../processors/books/state-table.ts';
import { objectRunId } from '../../streams/ingest/object-run-id.ts';
import { createTestApi } from '../../test/support/batch/pipelines-api.ts';
import type { NewRun } from '../runs/run.ts';
import { BODY_BYTES_MAX } from './api-request.ts';
import { Unavailable } from './ports.ts';

const EXAMPLE = {
  source: 'api',
  data_type: 'json',
  priority: 'normal',
  metadata: { source_system: 'external_api', batch_id: 'batch_001' },
};

const SUCCEEDED: NewRun = {
  id: 'succeeded',
  source: { kind: 'api' },
  dataset: 'flights',
  priority: 'low',
  metadata: '{}',
  chunkRecordsMax: 1,
};

const records = (count: number) => Array.from({ length: count }, (_, n) => ({ n }));

async function newRun(api: ReturnType<typeof createTestApi>, body: object = EXAMPLE): Promise<string> {
  const { body: run } = await api.call('POST', '/pipelines', { body });
  return String(run.pipeline_id);
}

describe('POST /pipelines', () => {
  it('makes a run that waits for its records, and says where it is', async () => {
    const api = createTestApi();

    const { status, headers, body } = await api.call('POST', '/pipelines', { body: EXAMPLE });

    expect(status).toBe(201);
    expect(headers.Location).toBe(`/prod/pipelines/${body.pipeline_id}`);
    expect(body).toMatchObject({ ...EXAMPLE, dataset: 'earthquakes', status: 'running', produced: 0, landed: null });
    expect(body.created_at).toMatch(/^2026-11-25T00:00:00\.\d{3}Z$/);
  });

  it('puts inline records first, counts them after, and takes no more', async () => {
    const api = createTestApi();

    const { body } = await api.call('POST', '/pipelines', { body: { source: 'api', records: records(5) } });

    expect(body).toMatchObject({ status: 'running', produced: 5, all_produced: true });
    expect(api.effects).toEqual(['put 3', 'add 5']);
    expect(api.putChunks.map(({ partitionKey }) => partitionKey)).toEqual(
      [0, 1, 2].map((number) => `/pipelines/${body.pipeline_id}/inline/${number}`),
    );
  });

  it('asks for the run of an object by the id that its drop has', async () => {
    const api = createTestApi();
    const object = { bucket: 'raw', key: 'incoming/flights/Über +1.csv' };
    api.objects.set(`raw/${object.key}`, { versionId: 'v1', etag: 'e' });

    const { status, body } = await api.call('POST', '/pipelines', { body: { source: 's3', key: object.key } });

    expect(status).toBe(201);
    const id = objectRunId({ ...object, versionId: 'v1' });
    expect(body).toMatchObject({ pipeline_id: id, source: 's3', ...object, version_id: 'v1', dataset: 'flights' });
    expect(api.sent).toEqual([{ kind: 'run', runId: id }]);
  });

  it('asks for a run of a prefix as often as it is asked', async () => {
    const api = createTestApi();

    const ids = [await newRun(api, { source: 's3', prefix: 'a/' }), await newRun(api, { source: 's3', prefix: 'a/' })];

    expect(new Set(ids).size).toBe(2);
    expect(api.sent).toHaveLength(2);
  });

  it('says that an object is not there', async () => {
    const { status, body } = await createTestApi().call('POST', '/pipelines', { body: { source: 's3', key: 'a' } });

    expect({ status, body }).toEqual({
      status: 404,
      body: { error: { code: 'NOT_FOUND', message: 's3://raw/a: there is no such object' } },
    });
  });

  it('makes one run of two requests with one key, and refuses the key with another body', async () => {
    const api = createTestApi();
    const headers = { 'idempotency-key': 'k' };

    const first = await api.call('POST', '/pipelines', { headers, body: EXAMPLE });
    const again = await api.call('POST', '/pipelines', { headers, body: EXAMPLE });
    const other = await api.call('POST', '/pipelines', { headers, body: { source: 'api' } });

    expect(again.body.pipeline_id).toBe(first.body.pipeline_id);
    expect([first.status, again.status, other.status]).toEqual([201, 201, 422]);
    expect(other.body).toMatchObject({ error: { code: 'KEY_REUSED' } });
  });

  it.each([
    [{ source: 'ftp' }, 400, 'source: received string "ftp", allowed: api, s3, backfill'],
    [{}, 400, 'source: received nothing'],
    [{ source: 'backfill' }, 501, 'no version runs yet'],
    [{ source: 'api', data_type: 'xml' }, 400, 'data_type: received string "xml"'],
    [{ source: 'api', data_type: 'csv' }, 400, 'allowed: json or ndjson with the source api'],
    [{ source: 'api', priority: 1 }, 400, 'priority: received number 1, allowed: low, normal, high'],
    [{ source: 'api', metadata: [] }, 400, 'metadata: received array of 0, allowed: an object'],
    [
      { source: 'api', metadata: { a: 'x'.repeat(4_096) } },
      400,
      'metadata: received 4104 bytes of JSON, allowed: 4096',
    ],
    [{ source: 'api', dataset: 'none' }, 400, 'dataset: received string "none", allowed: earthquakes, flights'],
    [{ source: 'api', records: {} }, 400, 'records: received object, allowed: a list'],
    [{ source: 'api', records: [] }, 400, 'records: received 0, allowed: 1 to 10000'],
    [{ source: 'api', records: records(10_001) }, 400, 'records: received 10001'],
    [{ source: 'api', datatype: 'json' }, 400, 'received a property "datatype"'],
    [{ source: 's3' }, 400, 'received neither of key and prefix'],
    [{ source: 's3', key: 'a', prefix: 'b' }, 400, 'received both of key and prefix'],
    [{ source: 's3', key: '' }, 400, 'key: received string "", allowed: 1 to 1024 bytes'],
    [{ source: 's3', bucket: 'other', key: 'a' }, 400, 'bucket: received string "other", allowed: raw'],
    ['[1]', 400, 'body: received no object'],
    ['{"source"', 400, 'body: The payload is no JSON text'],
    ['{"source":"api","metadata":{"n":1e999}}', 400, 'a number beyond'],
    [`{"source":"api","metadata":${'['.repeat(200_000)}${']'.repeat(200_000)}}`, 400, 'more than 100 levels'],
    [' '.repeat(BODY_BYTES_MAX + 1), 413, `allowed: ${BODY_BYTES_MAX}`],
  ])('refuses a body that is not allowed, and says why: %#', async (body, status, reason) => {
    const answer = await createTestApi().call('POST', '/pipelines', { body });

    expect(answer).toMatchObject({ status, body: { error: { message: expect.stringContaining(reason) } } });
  });

  it('refuses what is not sent as JSON', async () => {
    const headers = { 'content-type': 'application/x-www-form-urlencoded' };
    const api = createTestApi();

    const event = { httpMethod: 'POST', path: '/pipelines', headers, body: 'source=api' };

    expect(await api.answerTo(event)).toMatchObject({ status: 415 });
    expect(
      await api.answerTo({ ...event, headers: { 'content-TYPE': 'application/json; charset=utf-8' } }),
    ).toMatchObject({
      status: 400,
    });
  });
});

describe('POST /pipelines/{id}/records', () => {
  it('counts a request once, however often it comes', async () => {
    const api = createTestApi();
    const id = await newRun(api);
    const request = { body: { records: records(3) } };

    await api.call('POST', `/pipelines/${id}/records`, request);
    const { status, body } = await api.call('POST', `/pipelines/${id}/records`, request);

    expect({ status, produced: body.produced }).toEqual({ status: 202, produced: 3 });
    expect(new Set(api.putChunks.map(({ partitionKey }) => partitionKey)).size).toBe(2);
  });

  it('tells equal bodies apart by their keys', async () => {
    const api = createTestApi();
    const id = await newRun(api);
    const request = (key: string) => ({ headers: { 'Idempotency-Key': key }, body: { records: records(3) } });

    await api.call('POST', `/pipelines/${id}/records`, request('a'));
    const { body } = await api.call('POST', `/pipelines/${id}/records`, request('b'));

    expect(body.produced).toBe(6);
  });

  it('puts nothing for a run that was completed or stopped, or is of another source', async () => {
    const api = createTestApi();
    const [completed, stopped] = [await newRun(api), await newRun(api)];
    const prefix = await newRun(api, { source: 's3', prefix: 'a/' });
    await api.call('POST', `/pipelines/${completed}/complete`);
    await api.call('DELETE', `/pipelines/${stopped}`);

    for (const [id, status] of [
      [completed, 409],
      [stopped, 409],
      [prefix, 400],
      ['none', 404],
      ['%2e%2e', 400],
    ] as const) {
      const answer = await api.call('POST', `/pipelines/${id}/records`, { body: { records: records(1) } });
      expect(answer.status).toBe(status);
    }
    expect(api.putChunks).toEqual([]);
  });
});

describe('the end of a run', () => {
  it('is told by complete, once or twice', async () => {
    const api = createTestApi();
    const id = await newRun(api);
    await api.call('POST', `/pipelines/${id}/records`, { body: { records: records(3) } });

    for (let times = 0; times < 2; times++) {
      const { status, body } = await api.call('POST', `/pipelines/${id}/complete`);
      expect({ status, ...body }).toMatchObject({ status: 'running', produced: 3, all_produced: true });
    }
  });

  it('is asked for by DELETE: nothing more is produced', async () => {
    const api = createTestApi();
    const id = await newRun(api);
    await api.call('POST', `/pipelines/${id}/records`, { body: { records: records(3) } });

    const { status, body } = await api.call('DELETE', `/pipelines/${id}`);

    expect(status).toBe(202);
    expect(body).toMatchObject({ produced: 3, all_produced: true, cancel_requested_at: expect.any(String) });
  });

  it('is not asked for twice: what has ended otherwise is a conflict', async () => {
    const { runs } = createTestApi();
    const ended = { ...(await runs.open(SUCCEEDED)), status: 'succeeded' } as const;
    const api = createTestApi({ runs: { ...runs, get: async (id) => (id === ended.id ? ended : runs.get(id)) } });
    const stopped = await newRun(api);

    expect((await api.call('DELETE', `/pipelines/${ended.id}`)).status).toBe(409);
    for (let times = 0; times < 2; times++) {
      const { status, body } = await api.call('DELETE', `/pipelines/${stopped}`);
      expect({ status, body }).toMatchObject({ status: 202, body: { all_produced: true, error: null } });
      expect(body.cancel_requested_at).toMatch(/^2026-/);
    }
  });
});

describe('GET /pipelines', () => {
  it('lists page by page what is in a status', async () => {
    const api = createTestApi();
    const ids = [await newRun(api), await newRun(api), await newRun(api)];
    const query = { status: 'running', limit: '2' };

    const first = await api.call('GET', '/pipelines', { query });
    const second = await api.call('GET', '/pipelines', { query: { ...query, next: String(first.body.next) } });

    const listed = [first, second].flatMap(({ body }) => (Array.isArray(body.pipelines) ? body.pipelines : []));
    expect(listed.map(({ pipeline_id }) => pipeline_id)).toEqual(ids.toReversed());
    expect(second.body.next).toBeNull();
    const queued = await api.call('GET', '/pipelines', { query: { status: 'queued' } });
    expect(queued.body).toEqual({ pipelines: [], next: null });
  });

  it.each([
    [{ status: 'done' }, 'status: received string "done", allowed: queued, running'],
    [{ limit: '0' }, 'limit: received string "0", allowed: a whole number from 1 to 50'],
    [{ limit: '1e1' }, 'limit'],
    [{ next: '"; DROP' }, 'next: received'],
    [{ stauts: 'running' }, 'query: received string "stauts", allowed: status, limit, next'],
  ])('refuses %j', async (query, reason) => {
    const { status, body } = await createTestApi().call('GET', '/pipelines', { query });

    expect({ status, body }).toMatchObject({
      status: 400,
      body: { error: { message: expect.stringContaining(reason) } },
    });
  });
});

describe('routes', () => {
  it.each([
    ['GET', '/', 404],
    ['GET', '/pipelines/a/b', 404],
    ['GET', '/pipelines/a/records/b', 404],
    ['GET', '/constructor', 404],
    ['PUT', '/pipelines', 405],
    ['constructor', '/pipelines', 405],
    ['GET', '/pipelines/a/records', 405],
    ['GET', '/pipelines/none', 404],
  ])('answer %s %s by %i', async (method, path, status) => {
    const answer = await createTestApi().call(method, path);

    expect(answer).toMatchObject({ status, body: { error: { message: expect.any(String) } } });
    if (status === 405) expect(answer.headers.Allow).toMatch(/POST/);
  });

  it.each([undefined, null, 1, [], {}, { httpMethod: 1, path: '/pipelines' }])('refuse the event %j', async (event) => {
    expect((await createTestApi().answerTo(event)).status).toBe(400);
  });
});

describe('a service that does not answer', () => {
  it.each([
    [
      'the stream',
      { put: async () => Promise.reject(new Unavailable('the stream', { cause: 1, isThrottled: true })) },
      429,
    ],
    ['the stream', { put: async () => Promise.reject(new Unavailable('the stream', { cause: 1 })) }, 503],
    ['the state table', { put: async () => Promise.reject(new StateUnavailable('x', { cause: 1 })) }, 503],
  ])('is told, %s, with the time to ask again', async (what, changed, status) => {
    const stream = { *cut() {}, ...changed };
    const api = createTestApi({ stream });

    const answer = await api.call('POST', '/pipelines', { body: { source: 'api', records: [1] } });

    expect(answer).toMatchObject({ status, headers: { 'Retry-After': '5' } });
    expect(JSON.stringify(answer.body)).toContain(`${what} does not answer`);
  });

  it('is done again to the same end: the records count once', async () => {
    let fails = 1;
    const api = createTestApi();
    const failing = { ...api.runs, add: async () => Promise.reject(new StateUnavailable('x', { cause: 1 })) };
    const flaky = createTestApi({
      runs: { ...api.runs, add: (...added) => (fails-- > 0 ? failing.add() : api.runs.add(...added)) },
    });
    const request = { headers: { 'Idempotency-Key': 'k' }, body: { source: 'api', records: [1, 2, 3] } };

    const first = await flaky.call('POST', '/pipelines', request);
    const second = await flaky.call('POST', '/pipelines', request);

    expect([first.status, second.status]).toEqual([503, 201]);
    expect(second.body.produced).toBe(3);
    expect(new Set(flaky.putChunks.map(({ partitionKey }) => partitionKey)).size).toBe(2);
  });

  it('leaves nothing of a request in the log but its route, status and run', async () => {
    const api = createTestApi();

    await api.call('POST', '/pipelines', { body: { source: 'api', metadata: { secret: 'hush' } } });

    expect(JSON.parse(api.log[0] ?? '')).toMatchObject({ route: 'POST /pipelines', status: 201, level: 'INFO' });
    expect(api.log.join()).not.toContain('hush');
  });
});
