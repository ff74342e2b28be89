/** What the processor needs of the world. Adapters implement these; tests and the simulator replace them. */

import type { StreamRecord } from '../streams/position.ts';
import type { Tally } from './tally.ts';

/** One Firehose record: JSON documents of one table, each ended by a newline. */
export interface PackedRecord {
  readonly data: Buffer;
  /** Documents in it, 1 to 500. */
  readonly documents: number;
  /** Lowest index in the batch of a Kinesis record that has a document in it: what a failed delivery is reported by. */
  readonly recordIndexMin: number;
}

/** What one PutRecordBatch sends: at most 500 records and 4 MiB, all of one table. */
export interface DeliveryCall {
  /** Dataset name, or `failed_events`: the delivery stream's suffix. */
  readonly table: string;
  readonly records: readonly PackedRecord[];
}

/** Delivers what is packed. Resends what is rejected and retryable, and only that, until the deadline. */
export interface DeliveryPort {
  /**
   * @param deadlineMs epoch milliseconds after which nothing is sent again
   * @returns the records that were not accepted; empty when all were
   * @throws DeliveryError when the call as a whole could not be made and will not succeed by being made again now
   */
  deliver(call: DeliveryCall, deadlineMs: number): Promise<readonly PackedRecord[]>;
}

/** The delivery service could not be used. `cause` says why. */
export class DeliveryError extends Error {
  constructor(message: string, options: { readonly cause: unknown }) {
    super(message, options);
    this.name = 'DeliveryError';
  }
}

/** Original bytes of a failed record that are too large for its row. */
export interface KeptPayload {
  /** `s3://bucket/key`; follows from the record's identity, so that writing it again is idempotent. */
  readonly uri: string;
  readonly bytes: Buffer;
  readonly recordIndex: number;
}

export interface PayloadPort {
  /**
   * @param deadlineMs epoch milliseconds after which it is given up
   * @throws PayloadError when the bytes are not known to be kept
   */
  keep(payload: KeptPayload, deadlineMs: number): Promise<void>;
}

/** The payload of a failed record could not be kept. `cause` says why. */
export class PayloadError extends Error {
  constructor(message: string, options: { readonly cause: unknown }) {
    super(message, options);
    this.name = 'PayloadError';
  }
}

/** A batch of one shard, as Lambda gives it. */
export interface BatchRange {
  readonly streamArn: string;
  readonly shardId: string;
  /** First and last sequence number, as AWS gives them. */
  readonly from: string;
  readonly to: string;
  /** Kinesis records. */
  readonly records: number;
  /** Of the invocation. */
  readonly requestId: string;
}

/** What came of a batch: nothing of it is counted before it is committed. */
export interface BatchWork {
  /** Records beyond the checkpoint, in order. */
  readonly records: readonly StreamRecord[];
  /** How many of them are done, from the first on. */
  readonly done: number;
  readonly tally: Tally;
  /** Leading records, by table, whose documents are all accepted: `done` at least. */
  readonly acceptedByTable: ReadonlyMap<string, number>;
}

/** An attempt at a batch that has begun. */
export interface OpenBatch {
  /** Records scoring below this are quarantined, 0 to 1, unless their dataset says otherwise: the same on every attempt. */
  readonly qualityThreshold: number;
  /** Last sequence number that is done, padded; `''` at the start of a shard. Records up to it are not processed again. */
  readonly doneUpTo: string;
  /** Attempts that were begun at the one record of this batch alone, this one included; 0 for a batch of several. */
  readonly attemptsAlone: number;
  /** Last sequence number, padded, up to which an earlier attempt had a table's documents accepted. */
  readonly acceptedUpTo: ReadonlyMap<string, string>;
  /**
   * Counts what is done, once, and moves the checkpoint. Called with `done` above 0.
   * @returns how many records are done: fewer than asked when their entry would be too large, more never
   * @throws BooksConflict, StateUnavailable
   */
  commit(work: BatchWork): Promise<number>;
  /** Ends an attempt that has nothing to count: keeps what was accepted, and that the function did not die of it. */
  release(work?: BatchWork): Promise<void>;
}

/** The books: `begin` before a batch, `commit` once its documents are delivered. */
export interface BooksPort {
  /** @throws StateUnavailable */
  begin(range: BatchRange): Promise<OpenBatch>;
}

/** The checkpoint was moved by another attempt, and not to the end of this one's work: nothing was counted. */
export class BooksConflict extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'BooksConflict';
  }
}

/** A claim on something that is to be processed once. */
export interface Claim {
  /** What is claimed, such as `event#flights#<hash>`. */
  readonly subject: string;
  /** Position of the claimant: it follows from the record, so a retry claims for the same one. */
  readonly owner: string;
  /** 0, but for a record that is played again. */
  readonly generation: number;
}

export interface ClaimsPort {
  /**
   * Claims all that is free, or held by the same owner, or in a lower generation.
   * @returns the indexes of those that another holds
   * @throws StateUnavailable
   */
  claim(claims: readonly Claim[]): Promise<ReadonlySet<number>>;
}

export interface ClockPort {
  /** Epoch milliseconds. */
  now(): number;
}
