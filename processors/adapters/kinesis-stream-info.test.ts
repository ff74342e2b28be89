import { createServer, type Socket } from 'node:net';
import { KinesisClient } from '@aws-sdk/client-kinesis';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import {
  ACCOUNT,
  type RunningKinesis,
  startKinesis,
  temporaryFolder,
} from '../../test/support/local/running-kinesis.ts';
import { StateUnavailable } from '../books/state-table.ts';
import { createKinesisNamedStream, createKinesisStreamInfo } from './kinesis-stream-info.ts';

const ARN = `arn:aws:kinesis:us-east-1:${ACCOUNT}:stream/stream`;
let kinesis: RunningKinesis;
let stop: () => Promise<void>;

beforeEach(async () => {
  const { folder, remove } = temporaryFolder();
  kinesis = await startKinesis(folder);
  let isRunning = true;
  stop = async () => {
    if (!isRunning) return;
    isRunning = false;
    await kinesis.stop();
    remove();
  };
});

afterEach(() => stop());

describe('when a stream was made', () => {
  test('is whole milliseconds, as Kinesis has it', async () => {
    const fromMs = kinesis.clock.now();
    await kinesis.makeStream();
    const toMs = kinesis.clock.now();

    const createdAtMs = await createKinesisStreamInfo(kinesis.client).createdAtMs(ARN);

    expect(Number.isInteger(createdAtMs)).toBe(true);
    expect(createdAtMs).toBeGreaterThanOrEqual(Math.floor(fromMs));
    expect(createdAtMs).toBeLessThanOrEqual(Math.ceil(toMs));
  });

  test('is asked once, also by those who ask at the same time', async () => {
    await kinesis.makeStream();
    const streams = createKinesisStreamInfo(kinesis.client);
    const [first, second] = await Promise.all([streams.createdAtMs(ARN), streams.createdAtMs(ARN)]);
    await stop();

    expect([second, await streams.createdAtMs(ARN)]).toEqual([first, first]);
  });

  test('is asked again when it was not told', async () => {
    const streams = createKinesisStreamInfo(kinesis.client);

    await expect(streams.createdAtMs(ARN)).rejects.toThrow(StateUnavailable);
    await kinesis.makeStream();

    expect(await streams.createdAtMs(ARN)).toBeGreaterThan(0);
  });

  test('is given up where nothing answers', async () => {
    const sockets: Socket[] = [];
    const server = createServer((socket) => {
      sockets.push(socket);
      // A client that has given up closes or resets its connection.
      socket.on('error', () => {});
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    const port = address !== null && typeof address === 'object' ? address.port : 0;
    const credentials = { accessKeyId: 'local', secretAccessKey: 'local' };
    const client = new KinesisClient({ endpoint: `http://127.0.0.1:${port}`, region: 'us-east-1', credentials });

    const refused: unknown = await createKinesisStreamInfo(client, { callTimeoutMs: 200 })
      .createdAtMs(ARN)
      .catch((error) => error);

    client.destroy();
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
    expect(refused).toBeInstanceOf(StateUnavailable);
    expect(sockets.length).toBeGreaterThan(0);
  });
});

describe('a stream by its name', () => {
  test('is the one that the processor keeps its books by', async () => {
    await kinesis.makeStream();
    const { streamArn, createdAtMs } = await createKinesisNamedStream(kinesis.client).refOf('stream');

    expect(streamArn).toBe(ARN);
    expect(createdAtMs).toBe(await createKinesisStreamInfo(kinesis.client).createdAtMs(ARN));
  });

  test('that there is none of, is not available', async () => {
    const refused = createKinesisNamedStream(kinesis.client).refOf('another');

    await expect(refused).rejects.toThrow(StateUnavailable);
    await expect(refused).rejects.toThrow('ResourceNotFoundException');
  });
});
