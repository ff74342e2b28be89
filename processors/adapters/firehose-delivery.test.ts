import { FirehoseClient } from '@aws-sdk/client-firehose';
import { afterEach, describe, expect, test } from '@jest/globals';
import {
  type Answer,
  type AwsJsonServer,
  awsError,
  clientOptions,
  type ReceivedRequest,
  startAwsJsonServer,
} from '../../test/support/processors/aws-json-server.ts';
import { DeliveryError, type PackedRecord } from '../ports.ts';
import { createFirehoseDelivery, type FirehoseDeliveryOptions, FRUITLESS_ATTEMPTS_MAX } from './firehose-delivery.ts';

const servers: AwsJsonServer[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) await server.close();
});

/** Real client and adapter; waits are recorded, and move the clock and not the test. */
async function delivery(
  answer: (request: ReceivedRequest, index: number) => Answer,
  options: Partial<FirehoseDeliveryOptions> = {},
) {
  const server = await startAwsJsonServer(answer);
  servers.push(server);
  const waits: number[] = [];
  let nowMs = 0;
  const port = createFirehoseDelivery({
    client: new FirehoseClient({ ...clientOptions(server.endpoint), maxAttempts: 1 }),
    streamPrefix: 'data-pipeline-',
    clock: { now: () => nowMs },
    backoff: { baseMs: 50, ceilingMs: 400, random: () => 1 },
    wait: async (durationMs) => {
      waits.push(durationMs);
      nowMs += durationMs;
    },
    ...options,
  });
  return { port, waits, requests: server.requests, now: () => nowMs };
}

const packed = (...texts: string[]): PackedRecord[] =>
  texts.map((text, recordIndexMin) => ({ data: Buffer.from(`${text}\n`), documents: 1, recordIndexMin }));

/** What the request puts, without newlines. */
function textsOf({ body }: ReceivedRequest): string[] {
  const records: { Data: string }[] = JSON.parse(body.toString()).Records;
  return records.map(({ Data }) => Buffer.from(Data, 'base64').toString().trim());
}

/** Accepts every entry but those that `isRejected`. */
function accepting(request: ReceivedRequest, isRejected: (text: string) => boolean = () => false): Answer {
  const RequestResponses = textsOf(request).map((text) =>
    isRejected(text)
      ? { ErrorCode: 'ServiceUnavailableException', ErrorMessage: 'Slow down.' }
      : { RecordId: `id-${text}` },
  );
  const FailedPutCount = RequestResponses.filter((each) => 'ErrorCode' in each).length;
  return { body: { FailedPutCount, Encrypted: false, RequestResponses } };
}

describe('delivery to Firehose', () => {
  test("puts all records in order into the table's stream, with one call", async () => {
    const { port, requests } = await delivery((request) => accepting(request));

    expect(await port.deliver({ table: 'flights', records: packed('a', 'b', 'c') }, 60_000)).toEqual([]);

    expect(requests.map(({ operation }) => operation)).toEqual(['PutRecordBatch']);
    expect(JSON.parse(requests[0]?.body.toString() ?? '').DeliveryStreamName).toBe('data-pipeline-flights');
    expect(requests.map(textsOf)).toEqual([['a', 'b', 'c']]);
  });

  test('sends again only what was rejected, in its order', async () => {
    const rejected = [['b', 'd', 'e'], ['d'], []];
    const { port, requests, waits } = await delivery((request, index) =>
      accepting(request, (text) => rejected[index]?.includes(text) ?? false),
    );

    expect(await port.deliver({ table: 'flights', records: packed('a', 'b', 'c', 'd', 'e') }, 60_000)).toEqual([]);

    expect(requests.map(textsOf)).toEqual([['a', 'b', 'c', 'd', 'e'], ['b', 'd', 'e'], ['d']]);
    expect(waits).toEqual([50, 100]);
  });

  test('waits a random part of a ceiling that doubles up to its bound', async () => {
    const draws = [0.5, 0, 1, 0.25, 1];
    const { port, waits } = await delivery((request) => accepting(request, () => true), {
      backoff: { baseMs: 50, ceilingMs: 400, random: () => draws.shift() ?? 1 },
    });

    await port.deliver({ table: 'flights', records: packed('a') }, 1_100);

    // Of 50, 100, 200, 400, 400 ms.
    expect(waits).toEqual([25, 0, 200, 100, 400]);
  });

  test('gives back what is left when the next wait would pass the deadline', async () => {
    const { port, requests, now } = await delivery((request) => accepting(request, (text) => text !== 'a'));
    const records = packed('a', 'b', 'c');

    expect(await port.deliver({ table: 'flights', records }, 400)).toEqual(records.slice(1));

    expect(requests.map(textsOf)).toEqual([
      ['a', 'b', 'c'],
      ['b', 'c'],
      ['b', 'c'],
      ['b', 'c'],
    ]);
    expect(now()).toBe(350);
  });

  test('sends nothing once the deadline has passed', async () => {
    const { port, requests } = await delivery((request) => accepting(request));
    const records = packed('a');

    expect(await port.deliver({ table: 'flights', records }, 0)).toEqual(records);
    expect(requests).toEqual([]);
  });

  test.each<[string, Answer]>([
    ['unavailable', awsError('ServiceUnavailableException', 503)],
    ['throttling', awsError('ThrottlingException', 400)],
    ['over a limit', awsError('LimitExceededException', 400)],
    ['failing inside', awsError('InternalFailure', 500)],
    ['a gateway without an answer', { status: 502, body: {} }],
    ['answering too many requests', awsError('SomethingNew', 429)],
    ['hanging up', { hangUp: true }],
    ['cutting its answer short', { body: '{"FailedPutCount":0,"Requ' }],
  ])('sends the whole call again when the service is %s', async (_, trouble) => {
    const { port, requests, waits } = await delivery((request, index) => (index < 2 ? trouble : accepting(request)));

    expect(await port.deliver({ table: 'flights', records: packed('a', 'b') }, 60_000)).toEqual([]);

    expect(requests.map(textsOf)).toEqual([
      ['a', 'b'],
      ['a', 'b'],
      ['a', 'b'],
    ]);
    expect(waits).toEqual([50, 100]);
  });

  test('sends again when nothing listens, until the deadline', async () => {
    const { port, waits } = await delivery(() => ({}), {
      client: new FirehoseClient({ ...clientOptions('http://127.0.0.1:9'), maxAttempts: 1 }),
    });
    const records = packed('a');

    expect(await port.deliver({ table: 'flights', records }, 100)).toEqual(records);
    expect(waits).toEqual([50]);
  });

  test('gives an attempt up that takes too long, and makes another', async () => {
    const { port, requests } = await delivery(
      (request, index) => (index === 0 ? { silent: true } : accepting(request)),
      {
        attemptTimeoutMs: 100,
      },
    );

    expect(await port.deliver({ table: 'flights', records: packed('a') }, 60_000)).toEqual([]);
    expect(requests).toHaveLength(2);
  });

  test('does not outlast the deadline when the service is silent', async () => {
    const { port } = await delivery(() => ({ silent: true }));
    const records = packed('a');
    const startedAt = performance.now();

    expect(await port.deliver({ table: 'flights', records }, 150)).toEqual(records);
    expect(performance.now() - startedAt).toBeLessThan(5_000);
  });

  test.each([
    ['ResourceNotFoundException', 400],
    ['InvalidArgumentException', 400],
    ['InvalidKMSResourceException', 400],
    ['AccessDeniedException', 403],
  ])('throws on %s, which sending again does not mend, with its cause', async (code, status) => {
    const { port, requests } = await delivery(() => awsError(code, status, 'said why'));

    const error: unknown = await port.deliver({ table: 'flights', records: packed('a') }, 60_000).catch((e) => e);

    expect(error).toBeInstanceOf(DeliveryError);
    expect(error).toMatchObject({ message: `${code}: said why`, cause: { name: code } });
    expect(requests).toHaveLength(1);
  });

  test('takes an entry without an answer for rejected', async () => {
    const { port, requests } = await delivery((request, index) =>
      index === 0 ? { body: { FailedPutCount: 1, RequestResponses: [{ RecordId: '1' }] } } : accepting(request),
    );

    expect(await port.deliver({ table: 'flights', records: packed('a', 'b') }, 60_000)).toEqual([]);
    expect(requests.map(textsOf)).toEqual([['a', 'b'], ['b']]);
  });
});

describe('a delivery stream that is away', () => {
  test('is given up after ten attempts in a row that nothing came of, long before the deadline', async () => {
    const { port, requests, now } = await delivery((request) => accepting(request, () => true));

    const rejected = await port.deliver({ table: 'flights', records: packed('a', 'b') }, 300_000);

    expect(rejected.map(({ recordIndexMin }) => recordIndexMin)).toEqual([0, 1]);
    expect(requests).toHaveLength(FRUITLESS_ATTEMPTS_MAX);
    expect(now()).toBeLessThan(10_000);
  });

  test('is not one that accepts a record now and then', async () => {
    const texts = Array.from({ length: 5 }, (_, i) => `r${i}`);
    // One record more at every fifth attempt.
    const { port } = await delivery((request, index) =>
      accepting(request, (text) => Number(text.slice(1)) > Math.floor(index / 5)),
    );

    expect(await port.deliver({ table: 'flights', records: packed(...texts) }, 300_000)).toEqual([]);
  });
});
