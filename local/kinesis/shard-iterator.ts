/**
 * Shard iterators: where a reader goes on, as an opaque text. It holds all there is to know, so that it survives a
 * restart, and is only good for five minutes.
 * Source: https://docs.aws.amazon.com/kinesis/latest/APIReference/API_GetShardIterator.html
 */
import { crc32 } from 'node:zlib';
import { z } from 'zod';
import { AwsError } from '../service.ts';

const ITERATOR_LIFE_MS = 300_000;

export interface ShardPosition {
  readonly streamName: string;
  /** Tells a stream from an earlier one of the same name. */
  readonly madeAtMs: number;
  readonly shardId: string;
  readonly position: number;
}

const Token = z.tuple([z.number(), z.string(), z.number(), z.string(), z.number().int().min(0)]);

export function formatIterator(at: ShardPosition, nowMs: number): string {
  const text = JSON.stringify([nowMs, at.streamName, at.madeAtMs, at.shardId, at.position]);
  const check = Buffer.alloc(4);
  check.writeUInt32BE(crc32(text));
  return Buffer.concat([check, Buffer.from(text)]).toString('base64');
}

/** @throws AwsError `InvalidArgumentException`, `ExpiredIteratorException` */
export function parseIterator(token: string, nowMs: number): ShardPosition {
  const parsed = Token.safeParse(decode(token));
  if (!parsed.success) throw new AwsError('InvalidArgumentException', 'Invalid ShardIterator.');
  const [issuedAtMs, streamName, madeAtMs, shardId, position] = parsed.data;
  if (nowMs - issuedAtMs > ITERATOR_LIFE_MS) {
    throw new AwsError(
      'ExpiredIteratorException',
      `Iterator expired. The iterator was created at time ${new Date(issuedAtMs).toISOString()} while right now it is ` +
        `${new Date(nowMs).toISOString()} which is further in the future than the tolerated delay of ${ITERATOR_LIFE_MS} milliseconds.`,
    );
  }
  return { streamName, madeAtMs, shardId, position };
}

function decode(token: string): unknown {
  const bytes = Buffer.from(token, 'base64');
  const text = bytes.subarray(4);
  if (bytes.length < 4 || crc32(text) !== bytes.readUInt32BE(0)) return undefined;
  try {
    return JSON.parse(text.toString());
  } catch {
    return undefined;
  }
}
