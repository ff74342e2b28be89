/**
 * Where a record stands on the stream, and the physical identity that follows from it.
 *
 * A position is (stream, shard, sequence number, subsequence number): the index inside a KPL aggregate or a CloudEvents
 * batch is the subsequence. Sequence numbers have about 56 digits, more than a JS or DynamoDB number holds, so they are
 * kept and compared as zero-padded strings.
 */
import { hash } from 'node:crypto';
import { HEX_BYTES, writeHex } from './identity/hex-digits.ts';
import { finish, mix32, mixBlocks } from './identity/murmur3.ts';

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
const ZERO = 0x30;
const COLON = 0x3a;

/** `_position`: `<shardId>:<sequence number>:<subsequence number>`, padded, so that text order is the order in a shard. */
export function formatPosition(shardId: string, sequenceNumber: string, subsequenceNumber: number): string {
  return `${shardId}:${padSequence(sequenceNumber)}:${String(subsequenceNumber).padStart(SUBSEQUENCE_DIGITS, '0')}`;
}

/**
 * Writes `_position` behind its shard, in ASCII at `at`: the padded sequence number, a colon and the padded subsequence
 * number.
 */
export function writeSequence(sequenceNumber: string, subsequenceNumber: number, into: Buffer, at: number): void {
  const end = at + into.write(padSequence(sequenceNumber), at, 'latin1');
  into[end] = COLON;
  let rest = subsequenceNumber;
  for (let i = SUBSEQUENCE_DIGITS; i > 0; i--) {
    const tens = (rest / 10) | 0;
    into[end + i] = ZERO + rest - tens * 10;
    rest = tens;
  }
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

/** Gives the identities of a stream's records. */
export interface RecordIdentity {
  /** @param sequenceNumber padded or not: both give the same identity */
  forRecord(shardId: string, sequenceNumber: string): RecordIds;
}

/**
 * The physical identity, `_record_id`: 32 hex digits that follow from (stream, shard, sequence, subsequence) alone.
 *
 * The identity of subsequence 0 is MurmurHash3 (x86, 128 bits, seed 0) of a message in two parts: the first 16 bytes of
 * SHA-256 over stream and shard, separated by a newline, and the padded sequence number in ASCII. Its four words are
 * written in order, the most significant digit first. For another subsequence the first word is XORed with
 * `mix32(subsequence)`. `mix32` is a bijection on 32-bit integers that maps 0 to 0, so the events of one record all
 * differ, and each stays uniform in its first 8 digits.
 *
 * Sequence numbers are Kinesis' own, so nobody can look for two that collide, and a cryptographic hash a record would
 * buy nothing for its 0.4 µs: docs/decisions/0010-record-identity.md.
 */
export function createRecordIdentity(streamName: string): RecordIdentity {
  const state = new Int32Array(4);
  // A batch is of one shard, so the last one is enough to remember: the hash after its part of the message.
  let shard: string | undefined;
  const ofShard = new Int32Array(4);

  return {
    forRecord(shardId, sequenceNumber) {
      if (shardId !== shard) {
        mixBlocks(shardPart(streamName, shardId), SEED, ofShard);
        shard = shardId;
      }
      const sequence = padSequence(sequenceNumber);
      mixBlocks(sequence, ofShard, state);
      finish(sequence, SHARD_PART_BYTES + sequence.length, state);
      return new RecordIds(state[0] ?? 0, state[1] ?? 0, state[2] ?? 0, state[3] ?? 0);
    },
  };
}

/** `_record_id` of the events of one Kinesis record, by subsequence number. */
export class RecordIds {
  readonly #a: number;
  readonly #b: number;
  readonly #c: number;
  readonly #d: number;

  /** @param a first of the four words of subsequence 0 */
  constructor(a: number, b: number, c: number, d: number) {
    this.#a = a;
    this.#b = b;
    this.#c = c;
    this.#d = d;
  }

  /** Writes the 32 hex digits at `at`. */
  write(subsequenceNumber: number, into: Uint8Array, at: number): void {
    writeHex(this.#a ^ mix32(subsequenceNumber), this.#b, this.#c, this.#d, into, at);
  }

  /** The first 8 hex digits as a number: what fingerprints sum. */
  first32(subsequenceNumber: number): number {
    return (this.#a ^ mix32(subsequenceNumber)) >>> 0;
  }

  textOf(subsequenceNumber: number): string {
    const digits = Buffer.allocUnsafe(HEX_BYTES);
    this.write(subsequenceNumber, digits, 0);
    return digits.toString('latin1');
  }
}

const SEED = new Int32Array(4);

/** One block of MurmurHash3, so that all that depends on the shard is mixed in once. */
const SHARD_PART_BYTES = 16;

/** A character a byte. */
function shardPart(streamName: string, shardId: string): string {
  return hash('sha256', `${streamName}\n${shardId}`, 'buffer').toString('latin1', 0, SHARD_PART_BYTES);
}
