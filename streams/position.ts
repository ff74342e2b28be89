/**
 * Where a record stands on the stream, and the physical identity that follows from it.
 *
 * A position is (stream, shard, sequence number, subsequence number): the index inside a KPL aggregate or a CloudEvents
 * batch is the subsequence. Sequence numbers have about 56 digits, more than a JS or DynamoDB number holds, so they are
 * kept and compared as zero-padded strings.
 */
import { hash } from 'node:crypto';
import { hexOfWords } from './identity/hex-digits.ts';

/** Digits that a stored sequence number is padded to. Kinesis allows up to 129 digits (`^0|([1-9]\d{0,128})$`). */
export const SEQUENCE_DIGITS = 56;

/** One Kinesis record as it arrives, whatever read it. */
export interface StreamRecord {
  readonly shardId: string;
  /** As AWS gives it, decimal, not padded. */
  readonly sequenceNumber: string;
  readonly partitionKey: string;
  readonly data: Buffer;
  /** Approximate arrival, epoch milliseconds. */
  readonly arrivedAtMs: number;
}

/** A sequence number zero-padded to `SEQUENCE_DIGITS`, so that text order is numeric order; a longer one stays whole. */
export function padSequence(sequenceNumber: string): string {
  return sequenceNumber.padStart(SEQUENCE_DIGITS, '0');
}

/** Digits that a subsequence number is padded to: a record of 10 MiB holds fewer than ten million entries. */
const SUBSEQUENCE_DIGITS = 7;

/** `_position`: `<shardId>:<sequence number>:<subsequence number>`, padded, so that text order is the order in a shard. */
export function formatPosition(shardId: string, sequenceNumber: string, subsequenceNumber: number): string {
  return `${shardId}:${padSequence(sequenceNumber)}:${String(subsequenceNumber).padStart(SUBSEQUENCE_DIGITS, '0')}`;
}

/**
 * Orders two sequence numbers of one shard, padded or not: negative when `a` comes first. Sequence numbers of different
 * shards have no order.
 */
export function compareSequence(a: string, b: string): number {
  const width = Math.max(a.length, b.length, SEQUENCE_DIGITS);
  const left = a.padStart(width, '0');
  const right = b.padStart(width, '0');
  return left < right ? -1 : left > right ? 1 : 0;
}

/** Gives `_record_id` by subsequence number, for the events of one Kinesis record. */
export type RecordIdOf = (subsequenceNumber: number) => string;

/** Gives the identities of a stream's records. */
export interface RecordIdentity {
  /** @param sequenceNumber padded or not: both give the same identity */
  forRecord(shardId: string, sequenceNumber: string): RecordIdOf;
}

/**
 * The physical identity, `_record_id`: 32 hex digits that follow from (stream, shard, sequence, subsequence) alone.
 *
 * The first 128 bits of SHA-256 over stream, shard and sequence number, separated by newlines, are the identity of
 * subsequence 0. For another subsequence the first 32 bits are XORed with `mix32(subsequence)`. `mix32` is a bijection
 * on 32-bit integers that maps 0 to 0, so the events of one record all differ, and each stays uniform in its first 8
 * digits, by which the books' fingerprint counts. An aggregate thus costs one hash, about 0.6 µs, however many events
 * it holds.
 */
export function createRecordIdentity(streamName: string): RecordIdentity {
  return {
    forRecord(shardId, sequenceNumber) {
      const digest = hash('sha256', `${streamName}\n${shardId}\n${padSequence(sequenceNumber)}`, 'hex');
      const first = digest.slice(0, 32);
      // Most records hold one event: the words are read only when there is a second.
      let words: readonly [number, number, number, number] | undefined;
      return (subsequenceNumber) => {
        if (subsequenceNumber === 0) return first;
        words ??= [word(digest, 0), word(digest, 8), word(digest, 16), word(digest, 24)];
        return hexOfWords(words[0] ^ mix32(subsequenceNumber), words[1], words[2], words[3]);
      };
    },
  };
}

/** A bijection on 32-bit integers with `mix32(0) === 0`: the finalizer of MurmurHash3 (Appleby, public domain). */
function mix32(value: number): number {
  let mixed = value | 0;
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return mixed ^ (mixed >>> 16);
}

function word(digest: string, at: number): number {
  return Number.parseInt(digest.slice(at, at + 8), 16);
}
