/** Names of tape objects: where they stand follows from the batch alone, so a batch that is written again overwrites. */
import { parseTimestamp } from '../../schemas/timestamp.ts';
import { compareSequence, padSequence } from '../position.ts';

/** The stream, and the shard's records that an object holds. */
export interface TapeSpan {
  readonly streamName: string;
  /** When the stream was made, epoch milliseconds. */
  readonly createdAtMs: number;
  readonly shardId: string;
  /** Sequence numbers of the first and the last record, padded. */
  readonly first: string;
  readonly last: string;
  /** Hour in which the first record arrived: `2026-11-25T07`, UTC. */
  readonly hour: string;
}

export const TAPE_PREFIX = 'tape/';

/** `tape/dt=2026-11-25/hour=07/<stream>/<made at>/<shard>/<first>-<last>.ndjson.gz` */
export function formatTapeKey({ streamName, createdAtMs, shardId, first, last, hour }: TapeSpan): string {
  const arrival = `dt=${hour.slice(0, 10)}/hour=${hour.slice(11)}`;
  const positions = `${padSequence(first)}-${padSequence(last)}`;
  return `${TAPE_PREFIX}${arrival}/${streamName}/${createdAtMs}/${shardId}/${positions}.ndjson.gz`;
}

const KEY =
  /^tape\/dt=(\d{4}-\d{2}-\d{2})\/hour=(\d{2})\/([\w.-]{1,128})\/(\d{1,16})\/([\w.-]{1,128})\/(\d{56,129})-(\d{56,129})\.ndjson\.gz$/;

/** @returns undefined for a key that is no tape object's: another name, an hour that is none, a last before its first */
export function parseTapeKey(key: string): TapeSpan | undefined {
  const [, dt, hour, streamName, createdAt, shardId, first, last] = KEY.exec(key) ?? [];
  if (dt === undefined || streamName === undefined || shardId === undefined) return undefined;
  if (first === undefined || last === undefined || compareSequence(first, last) > 0) return undefined;
  if (parseTimestamp(`${dt}T${hour}:00`) === undefined) return undefined;
  return { streamName, createdAtMs: Number(createdAt), shardId, first, last, hour: `${dt}T${hour}` };
}

/** Orders objects of one shard as they are played: by first position, then by last. */
export function compareTapeSpans(a: Pick<TapeSpan, 'first' | 'last'>, b: Pick<TapeSpan, 'first' | 'last'>): number {
  return compareSequence(a.first, b.first) || compareSequence(a.last, b.last);
}

/** What all objects of one hour begin with. @param hour `2026-11-25T07` */
export function tapeHourPrefix(hour: string): string {
  return `${TAPE_PREFIX}dt=${hour.slice(0, 10)}/hour=${hour.slice(11)}/`;
}
