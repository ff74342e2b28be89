import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type RunningKinesis, startKinesis, temporaryFolder } from '../../test/support/local/running-kinesis.ts';
import { StateUnavailable } from '../books/state-table.ts';
import { createKinesisNamedStream } from './kinesis-named-stream.ts';
import { createKinesisStreamInfo } from './kinesis-stream-info.ts';

const { folder, remove } = temporaryFolder();
let kinesis: RunningKinesis;

beforeAll(async () => {
  kinesis = await startKinesis(folder);
  await kinesis.makeStream();
});

afterAll(async () => {
  await kinesis.stop();
  remove();
});

describe('a stream by its name', () => {
  test('is the one that the processor keeps its books by', async () => {
    const { streamArn, createdAtMs } = await createKinesisNamedStream(kinesis.client).refOf('stream');

    expect(streamArn).toMatch(/^arn:aws:kinesis:us-east-1:\d{12}:stream\/stream$/);
    expect(createdAtMs).toBe(await createKinesisStreamInfo(kinesis.client).createdAtMs(streamArn));
  });

  test('that there is none of, is not available', async () => {
    const refused: unknown = await createKinesisNamedStream(kinesis.client)
      .refOf('another')
      .catch((error) => error);

    expect(refused).toBeInstanceOf(StateUnavailable);
    expect(refused).toMatchObject({ message: expect.stringContaining('ResourceNotFoundException') });
  });
});
