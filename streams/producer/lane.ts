/**
 * A lane: the records of one slice of the hash key space, in their order.
 *
 * At most one entry of a lane is under way at a time, in flight or waiting to be sent again: neither a rejected entry
 * nor the freedom that PutRecords takes with the order inside a call can put a later record before an earlier one.
 */
import { type AggregateBuilder, createAggregateBuilder } from '../aggregation/aggregate-builder.ts';
import { AGGREGATE_RECORDS_MAX } from './limits.ts';
import type { PutReceipt } from './put-receipt.ts';

/** A record as it was put. */
export interface LaneRecord {
  readonly partitionKey: string;
  readonly data: Buffer;
  /** What the record counts for in the buffer: data and partition key, bytes. */
  readonly bufferedBytes: number;
  readonly receipt: PutReceipt | undefined;
}

/** A Kinesis record to be. */
export interface LaneEntry {
  /** Counts the entries of all lanes in the order in which they became complete. */
  readonly number: number;
  readonly data: Buffer;
  readonly partitionKey: string;
  readonly explicitHashKey: string | undefined;
  readonly lane: Lane;
  readonly userRecords: number;
  /** What the entry counts for in a request: data and partition key, bytes. */
  readonly requestBytes: number;
  /** What the entry counts for in the buffer: data and partition keys as they were put, bytes. */
  readonly bufferedBytes: number;
  /** Of those of its records that have one, in their order. */
  readonly receipts: readonly PutReceipt[];
  /** Times that the entry was sent. */
  attempts: number;
  /** When it was first sent, epoch milliseconds. */
  firstSentAtMs: number;
}

export interface LaneOptions {
  readonly explicitHashKey: string | undefined;
  /** The shard that took the lane's hash keys when shards were listed. */
  readonly shardId: string | undefined;
  readonly aggregateBytesMax: number;
  /** Gives each entry its number as it becomes complete. */
  readonly nextNumber: () => number;
}

export class Lane {
  /** True while an entry of the lane is in flight or waits to be sent again. */
  isBusy = false;
  /** True when the open aggregate has waited long enough. */
  isDue = false;
  /** When the open aggregate got its first record, epoch milliseconds. */
  openedAtMs = 0;
  private readonly options: LaneOptions;
  /** Entries that are complete, from `head` on. */
  private entries: LaneEntry[] = [];
  private head = 0;
  private open: AggregateBuilder | undefined;
  private openBufferedBytes = 0;
  private openReceipts: PutReceipt[] = [];

  constructor(options: LaneOptions) {
    this.options = options;
  }

  get shardId(): string | undefined {
    return this.options.shardId;
  }

  get hasOpenAggregate(): boolean {
    return this.open !== undefined;
  }

  get hasEntries(): boolean {
    return this.head < this.entries.length;
  }

  /** Adds a record to the open aggregate, or, where it does not fit in, closes that and opens the next. */
  addAggregated(record: LaneRecord, nowMs: number): void {
    const { partitionKey, data } = record;
    const { aggregateBytesMax } = this.options;
    const { open } = this;
    if (open === undefined || open.count >= AGGREGATE_RECORDS_MAX || !open.add(partitionKey, data, aggregateBytesMax)) {
      this.closeAggregate();
      const fresh = createAggregateBuilder();
      if (!fresh.add(partitionKey, data, aggregateBytesMax)) {
        this.addPlain(record);
        return;
      }
      this.open = fresh;
      this.openedAtMs = nowMs;
    }
    this.openBufferedBytes += record.bufferedBytes;
    if (record.receipt !== undefined) this.openReceipts.push(record.receipt);
  }

  /** Adds a record that stands alone, after all that came before it. */
  addPlain({ partitionKey, data, bufferedBytes, receipt }: LaneRecord): void {
    this.closeAggregate();
    this.push({ data, partitionKey, userRecords: 1, bufferedBytes, receipts: receipt === undefined ? [] : [receipt] });
  }

  /** Completes the open aggregate, if there is one; an aggregate of one becomes a plain record. */
  closeAggregate(): void {
    const { open } = this;
    if (open === undefined) return;
    const only = open.onlyData();
    this.push({
      data: only === undefined ? open.encode() : Buffer.from(only.buffer, only.byteOffset, only.byteLength),
      partitionKey: open.firstPartitionKey ?? '',
      userRecords: open.count,
      bufferedBytes: this.openBufferedBytes,
      receipts: this.openReceipts,
    });
    this.open = undefined;
    this.openBufferedBytes = 0;
    this.openReceipts = [];
    this.isDue = false;
  }

  /** The entry to be sent next, which stays where it is until `take`. */
  peek(): LaneEntry | undefined {
    return this.entries[this.head];
  }

  /** Removes the entry that `peek` gives. */
  take(): void {
    this.head++;
    if (this.head === this.entries.length) {
      this.entries = [];
      this.head = 0;
    }
  }

  /** Puts a rejected entry back before all others. */
  putBack(entry: LaneEntry): void {
    this.entries = [entry, ...this.entries.slice(this.head)];
    this.head = 0;
  }

  private push(made: Pick<LaneEntry, 'data' | 'partitionKey' | 'userRecords' | 'bufferedBytes' | 'receipts'>): void {
    this.entries.push({
      ...made,
      number: this.options.nextNumber(),
      explicitHashKey: this.options.explicitHashKey,
      lane: this,
      requestBytes: made.data.length + Buffer.byteLength(made.partitionKey),
      attempts: 0,
      firstSentAtMs: 0,
    });
  }
}
