/**
 * Puts records on a stream: many, in order per key, within Kinesis's limits and a bounded memory.
 *
 * - Records of one hash lane share KPL aggregates; a PutRecords call carries at most one entry of a lane.
 * - Rejected entries, and only those, are sent again after a full-jitter backoff, and their lane waits for them.
 * - A call that fails as a whole is sent again when that may help. Its entries may have been taken before the answer
 *   was lost, so this, and nothing else, can put a record twice.
 * - What cannot be delivered within `retryForMs`, or never, fails the producer: every wait rejects with a
 *   `ProducerError` that says how much was accepted. Nothing is dropped in silence, and no silence is waited for: a call
 *   gets what is left of that time, though a second at least.
 *
 * The shards are listed once, at the start. After resharding, order per key still holds, since a lane keeps going to
 * one shard; `misroutedRecords` then tells that lanes and shards no longer agree, and that a new producer should start.
 */
import type { Dataset } from '../../schemas/dataset.ts';
import { hasAggregateMagic } from '../aggregation/aggregate-format.ts';
import { encodeSingleObject } from '../codecs/encode-single-object.ts';
import { type HashLanes, lanesOfShards, lanesWithoutShards } from './hash-lanes.ts';
import { Lane, type LaneEntry } from './lane.ts';
import { ATTEMPT_MS_MIN, REQUEST_BYTES_MAX, REQUEST_RECORDS_MAX } from './limits.ts';
import { createProducerCounts, ProducerError, type ProducerMetrics } from './producer-metrics.ts';
import { type ProducerOptions, type ResolvedProducerOptions, resolveOptions } from './producer-options.ts';
import type { PutReceipt } from './put-receipt.ts';
import { PutRecordsError, type PutRecordsResult, type ShardRange } from './put-records-port.ts';
import { problemOfRecord } from './record-check.ts';
import { WaitingRoom } from './waiting-room.ts';

/** `ErrorCode` of an entry that was over the throughput of its shard. */
const THROTTLED = 'ProvisionedThroughputExceededException';

export interface Producer {
  /**
   * Puts a record of a dataset as Avro, under its partition key.
   *
   * @returns `undefined`, or a promise that must be awaited before more is put: the buffer is full
   * @throws when the record does not conform to the dataset's schema, or is too large, or the producer failed or closed
   */
  put(dataset: Dataset, record: unknown, partitionKey?: string): Promise<void> | undefined;
  /**
   * Puts bytes in any of the formats that the pipeline decodes. Otherwise as `put`.
   *
   * @param receipt told what becomes of the record
   */
  putBytes(data: Uint8Array, partitionKey: string, receipt?: PutReceipt): Promise<void> | undefined;
  /** Sends all that was put so far, and waits until Kinesis has accepted it. */
  flush(): Promise<ProducerMetrics>;
  /** As `flush`; nothing can be put any more. */
  close(): Promise<ProducerMetrics>;
  metrics(): ProducerMetrics;
  /**
   * Resolves once the producer has failed and its last call has ended: nothing more becomes of any record then, and the
   * receipts have been told all there is to tell. Does not resolve otherwise.
   */
  readonly ended: Promise<ProducerError>;
}

/**
 * Lists the stream's shards and starts a producer.
 *
 * @throws when an option is out of its bounds, or the shards cannot be listed
 */
export async function createProducer(options: ProducerOptions): Promise<Producer> {
  const resolved = resolveOptions(options);
  const shards = await resolved.port.listShards(resolved.streamName);
  return new StreamProducer(resolved, shards);
}

class StreamProducer implements Producer {
  readonly ended: Promise<ProducerError>;
  private readonly resolveEnded: (error: ProducerError) => void;
  private readonly options: ResolvedProducerOptions;
  private readonly hashLanes: HashLanes;
  private readonly lanes: readonly Lane[];
  private readonly waiting: WaitingRoom;
  private readonly counts = createProducerCounts();
  private callsInFlight = 0;
  /** Entries that became complete; each gets its number from here. */
  private entriesMade = 0;
  /** The lane that is asked first for an entry; it moves on, so that no lane starves. */
  private nextLane = 0;
  private isPumpScheduled = false;
  private isLingering = false;
  private isClosed = false;
  private error: ProducerError | undefined;

  constructor(options: ResolvedProducerOptions, shards: readonly ShardRange[]) {
    this.options = options;
    const { promise, resolve } = Promise.withResolvers<ProducerError>();
    this.ended = promise;
    this.resolveEnded = resolve;
    this.hashLanes =
      shards.length > 0 ? lanesOfShards(shards, options.lanesPerShard) : lanesWithoutShards(options.lanesWithoutShards);
    const nextNumber = (): number => this.entriesMade++;
    this.lanes = this.hashLanes.slices.map((slice) => {
      // Alone, a record is routed by its own key, which also follows resharding.
      const explicitHashKey = options.isAggregated ? slice.explicitHashKey : undefined;
      const { aggregateBytesMax } = options;
      return new Lane({ explicitHashKey, shardId: slice.shardId, aggregateBytesMax, nextNumber });
    });
    this.waiting = new WaitingRoom(options.bufferBytesMax / 2);
  }

  put(dataset: Dataset, record: unknown, partitionKey = dataset.definition.key(record)): Promise<void> | undefined {
    return this.add(encodeSingleObject(dataset, record), partitionKey, undefined);
  }

  putBytes(bytes: Uint8Array, partitionKey: string, receipt?: PutReceipt): Promise<void> | undefined {
    return this.add(Buffer.from(bytes), partitionKey, receipt);
  }

  flush(): Promise<ProducerMetrics> {
    if (this.error !== undefined) return Promise.reject(this.error);
    for (const lane of this.lanes) lane.closeAggregate();
    this.schedulePump();
    // Not an async function: the wait must begin now, before anything else is put.
    const entriesLeft = this.entriesMade - this.counts.recordsAccepted;
    return this.waiting.untilAccepted(this.entriesMade, entriesLeft).then(() => this.metrics());
  }

  close(): Promise<ProducerMetrics> {
    this.isClosed = true;
    return this.flush();
  }

  metrics(): ProducerMetrics {
    return { ...this.counts };
  }

  private add(data: Buffer, partitionKey: string, receipt: PutReceipt | undefined): Promise<void> | undefined {
    const bytes = this.checkRecord(data, partitionKey);
    const lane = this.lanes[this.hashLanes.laneOf(partitionKey)];
    if (lane === undefined) throw new RangeError(`No lane takes the partition key ${JSON.stringify(partitionKey)}.`);
    const record = { partitionKey, data, bufferedBytes: bytes, receipt };
    // Bytes that look like an aggregate already would be one inside another, which no consumer opens.
    if (this.options.isAggregated && !hasAggregateMagic(data)) {
      lane.addAggregated(record, this.options.clock.now());
    } else {
      lane.addPlain(record);
    }
    this.counts.userRecordsPut++;
    this.counts.bytesBuffered += bytes;
    const isFull = this.counts.bytesBuffered >= this.options.bufferBytesMax;
    if (lane.hasEntries || isFull) this.schedulePump();
    if (lane.hasOpenAggregate) this.linger();
    return isFull ? this.waiting.untilRoom() : undefined;
  }

  /** @returns the bytes that the record counts for */
  private checkRecord(data: Buffer, partitionKey: string): number {
    if (this.error !== undefined) throw this.error;
    if (this.isClosed) throw new Error('The producer is closed; nothing can be put any more.');
    const { recordBytesMax, bufferBytesMax } = this.options;
    const problem = problemOfRecord(data, partitionKey, recordBytesMax);
    if (problem !== undefined) throw new RangeError(problem);
    const bytes = data.length + Buffer.byteLength(partitionKey);
    // Callers that wait exceed the limit by a record each; only one that does not wait gets to twice the limit.
    if (this.counts.bytesBuffered + bytes > bufferBytesMax * 2) {
      throw new RangeError(
        `${this.counts.bytesBuffered} bytes are buffered, over ${bufferBytesMax}: await what put returns before more.`,
      );
    }
    return bytes;
  }

  /** Sends soon: whatever is put until then goes along. */
  private schedulePump(): void {
    if (this.isPumpScheduled) return;
    this.isPumpScheduled = true;
    queueMicrotask(() => {
      this.isPumpScheduled = false;
      this.pump();
    });
  }

  private pump(): void {
    while (this.error === undefined && this.callsInFlight < this.options.callsInFlightMax) {
      const entries = this.takeEntries();
      if (entries.length === 0) return;
      this.callsInFlight++;
      this.send(entries).then(
        () => {
          this.schedulePump();
          this.endWhenIdle();
        },
        (error: unknown) => this.fail('The producer broke off.', error),
      );
    }
  }

  /** The next call's entries: at most one a lane. */
  private takeEntries(): LaneEntry[] {
    const entries: LaneEntry[] = [];
    let bytes = 0;
    for (let i = 0; i < this.lanes.length && entries.length < REQUEST_RECORDS_MAX; i++) {
      const lane = this.lanes[(this.nextLane + i) % this.lanes.length];
      if (lane === undefined || lane.isBusy) continue;
      // Who waits for room does not wait for company.
      if (!lane.hasEntries && (lane.isDue || this.waiting.isRoomWanted)) lane.closeAggregate();
      const entry = lane.peek();
      if (entry === undefined || bytes + entry.requestBytes > REQUEST_BYTES_MAX) continue;
      lane.take();
      lane.isBusy = true;
      bytes += entry.requestBytes;
      entries.push(entry);
    }
    this.nextLane = (this.nextLane + 1) % this.lanes.length;
    return entries;
  }

  private async send(entries: readonly LaneEntry[]): Promise<void> {
    const { port, streamName, clock } = this.options;
    this.counts.callsSent++;
    for (const entry of entries) {
      if (entry.attempts === 0) entry.firstSentAtMs = clock.now();
      else this.counts.recordsResent++;
      entry.attempts++;
    }
    let results: readonly PutRecordsResult[];
    try {
      results = await port.putRecords(streamName, entries, Math.max(ATTEMPT_MS_MIN, this.timeLeftMs(entries)));
    } catch (error) {
      this.callsInFlight--;
      this.counts.callsFailed++;
      const isRefused = error instanceof PutRecordsError && !error.isRetryable;
      if (!isRefused) tellUnanswered(entries);
      if (isRefused || !(error instanceof PutRecordsError)) {
        this.fail('PutRecords failed for good.', error);
        return;
      }
      this.counts.recordsPossiblyDuplicated += entries.length;
      this.retryLater(entries, error);
      return;
    }
    this.callsInFlight--;
    if (results.length !== entries.length) {
      tellUnanswered(entries);
      throw new Error(`PutRecords answered ${results.length} results to ${entries.length} entries.`);
    }
    const rejected = entries.filter((entry, i) => !this.settle(entry, results[i]));
    if (rejected.length > 0)
      this.retryLater(
        rejected,
        results.find((result) => result.errorCode !== undefined),
      );
  }

  /** Books an entry's result. False when it was rejected. */
  private settle(entry: LaneEntry, result: PutRecordsResult | undefined): boolean {
    if (result === undefined || result.errorCode !== undefined) {
      this.counts.recordsRejected++;
      if (result?.errorCode === THROTTLED) this.counts.recordsThrottled++;
      return false;
    }
    const { shardId } = entry.lane;
    if (shardId !== undefined && shardId !== result.shardId) this.counts.misroutedRecords++;
    this.counts.userRecordsAccepted += entry.userRecords;
    this.counts.recordsAccepted++;
    this.counts.bytesAccepted += entry.requestBytes;
    this.counts.bytesBuffered -= entry.bufferedBytes;
    entry.lane.isBusy = false;
    for (const receipt of entry.receipts) receipt.accepted();
    this.waiting.accepted(entry.number, this.counts.bytesBuffered);
    return true;
  }

  /** Puts entries back at the head of their lanes after a backoff; the lanes stay busy until then. */
  private retryLater(entries: readonly LaneEntry[], cause: unknown): void {
    const { random, backoffBaseMs, backoffMsMax, retryForMs } = this.options;
    const timeLeftMs = this.timeLeftMs(entries);
    if (timeLeftMs <= 0) {
      const triedForMs = Math.round(retryForMs - timeLeftMs);
      this.fail(`Kinesis has not taken a record for ${triedForMs} ms; ${retryForMs} are allowed.`, cause);
      return;
    }
    const attempts = Math.max(...entries.map((entry) => entry.attempts));
    // Full jitter: aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter.
    const delayMs = random() * Math.min(backoffMsMax, backoffBaseMs * 2 ** (attempts - 1), timeLeftMs);
    this.later(delayMs, () => {
      for (const entry of entries) {
        entry.lane.putBack(entry);
        entry.lane.isBusy = false;
      }
      this.pump();
    });
  }

  /** What is left of `retryForMs` to the entry that was first sent longest ago; below 0 when it is over. */
  private timeLeftMs(entries: readonly LaneEntry[]): number {
    const { clock, retryForMs } = this.options;
    return retryForMs - (clock.now() - Math.min(...entries.map((entry) => entry.firstSentAtMs)));
  }

  /** Sees to it that open aggregates are sent when they have waited for `lingerMs`. */
  private linger(): void {
    if (this.isLingering) return;
    this.isLingering = true;
    const { clock, lingerMs } = this.options;
    this.later(lingerMs, () => {
      this.isLingering = false;
      const openedBefore = clock.now() - lingerMs;
      for (const lane of this.lanes) {
        if (!lane.hasOpenAggregate) continue;
        if (lane.openedAtMs <= openedBefore) lane.isDue = true;
        else this.linger();
      }
      this.pump();
    });
  }

  private later(delayMs: number, run: () => void): void {
    this.options.clock
      .sleep(delayMs)
      .then(run)
      .catch((error: unknown) => this.fail('The producer broke off.', error));
  }

  private fail(message: string, cause: unknown): void {
    if (this.error !== undefined) return;
    this.error = new ProducerError(message, this.metrics(), cause);
    this.waiting.fail(this.error);
    this.endWhenIdle();
  }

  private endWhenIdle(): void {
    if (this.error !== undefined && this.callsInFlight === 0) this.resolveEnded(this.error);
  }
}

function tellUnanswered(entries: readonly LaneEntry[]): void {
  for (const { receipts } of entries) for (const receipt of receipts) receipt.unanswered();
}
