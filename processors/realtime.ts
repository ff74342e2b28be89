/**
 * The processor: takes a batch of one shard, processes it, and answers with the first sequence number that is not done
 * (lambda/latest/dg/services-kinesis-batchfailurereporting.html). A bad record never blocks the shard; a failure of the
 * infrastructure, or the end of the invocation's time, makes Lambda send the rest again.
 */
import type { Context, KinesisStreamBatchResponse, KinesisStreamEvent } from 'aws-lambda';
import { lastValueFrom } from 'rxjs';
import type { Dataset } from '../schemas/dataset.ts';
import { formatTimestamp } from '../schemas/timestamp.ts';
import { createDecodeContext } from '../streams/codecs/decode-context.ts';
import { createEventIdentity } from '../streams/event-id.ts';
import { createRecordIdentity, type StreamRecord } from '../streams/position.ts';
import { batchLogLine } from './batch-log-line.ts';
import { countUpTo } from './books/books.ts';
import { StateUnavailable } from './books/state-table.ts';
import {
  type BatchRange,
  BooksConflict,
  type BooksPort,
  type ClaimsPort,
  type ClockPort,
  type DeliveryPort,
  type OpenBatch,
  type PayloadPort,
} from './ports.ts';
import { type BatchResult, type DecodeRecord, processBatch } from './process-batch.ts';
import { createRecordReader, shardIdOf, streamArnOf, streamNameOf } from './read-kinesis-event.ts';
import { type DecodeStage, decode } from './stages/decode.ts';
import { failWhole } from './stages/fail-whole.ts';
import { createPipelineColumns } from './stages/pipeline-columns.ts';

/** What the handler keeps back of its time to answer: a tenth, 1 s at least and 10 s at most. */
const RESERVE_SHARE = 0.1;
const RESERVE_MS_MIN = 1_000;
const RESERVE_MS_MAX = 10_000;

export interface RealtimePorts {
  readonly books: BooksPort;
  readonly delivery: DeliveryPort;
  readonly payloads: PayloadPort;
  readonly claims: ClaimsPort;
  readonly clock: ClockPort;
  /** Takes one JSON line a batch. */
  readonly log: (line: string) => void;
}

export interface RealtimeSettings {
  readonly datasets: Iterable<Dataset>;
  /** Name of the dataset of plain JSON. */
  readonly defaultDataset: string;
  /** CloudWatch namespace of the embedded metrics. */
  readonly metricsNamespace: string;
  /** Bucket of payloads that are too large for their row. */
  readonly payloadBucket: string;
  /** Attempts at one record alone that may end without an answer, before it is filed as a failed event; at least 1. */
  readonly retriesMax: number;
  /** Documents that a Firehose record holds at most, 1 to 500. Default 500. */
  readonly documentsPerRecordMax?: number;
}

export type RealtimeHandler = (
  event: KinesisStreamEvent,
  context: Pick<Context, 'getRemainingTimeInMillis' | 'awsRequestId'>,
) => Promise<KinesisStreamBatchResponse>;

const ALL_DONE: KinesisStreamBatchResponse = { batchItemFailures: [] };

/** @throws Error at once when a setting is wrong */
export function createRealtimeHandler(settings: RealtimeSettings, ports: RealtimePorts): RealtimeHandler {
  const datasets = [...settings.datasets];
  const stageOf = memoize(
    (streamName: string): DecodeStage => ({
      context: createDecodeContext({
        datasets,
        defaultDataset: settings.defaultDataset,
        defaultSource: `/streams/${streamName}`,
      }),
      identity: createRecordIdentity(streamName),
    }),
  );
  // A wrong setting fails the first start, not the first record.
  stageOf('');
  const columns = createPipelineColumns(createEventIdentity());
  const readRecords = createRecordReader();
  const payloadUri = (recordId: string, arrivedAtMs: number) =>
    `s3://${settings.payloadBucket}/failed-payloads/${formatTimestamp(arrivedAtMs).slice(0, 10)}/${recordId}`;

  async function work(records: readonly StreamRecord[], range: BatchRange, opened: OpenBatch, times: Times) {
    const stage = stageOf(streamNameOf(range.streamArn));
    // Isolated by bisecting, and begun too often: another try would end as those before.
    const isFatal = opened.attemptsAlone > settings.retriesMax;
    const decodeRecord: DecodeRecord = (record, index, items) =>
      isFatal ? failWhole(stage, record, index, items, opened.attemptsAlone - 1) : decode(stage, record, index, items);
    const plan = {
      decode: decodeRecord,
      route: { columns, processedAt: formatTimestamp(times.startedAtMs), payloadUri },
      qualityThreshold: opened.qualityThreshold,
      documentsPerRecordMax: settings.documentsPerRecordMax,
      // What was accepted holds for the same decisions, and filing is another one.
      acceptedByTable: isFatal ? NONE_ACCEPTED : leadingRecords(records, opened.acceptedUpTo),
      stopAtMs: times.stopAtMs,
      deliverUntilMs: times.deliverUntilMs,
    };
    const result = await lastValueFrom(processBatch(records, plan, ports));
    return settle(opened, records, result, isFatal);
  }

  return async (event, context) => {
    const [first, last] = [event.Records[0], event.Records.at(-1)];
    if (!first || !last) return ALL_DONE;
    const range: BatchRange = {
      streamArn: streamArnOf(first.eventSourceARN),
      shardId: shardIdOf(first.eventID),
      from: first.kinesis.sequenceNumber,
      to: last.kinesis.sequenceNumber,
      records: event.Records.length,
      requestId: context.awsRequestId,
    };
    const times = timesOf(ports.clock.now(), context.getRemainingTimeInMillis());
    const records = readRecords(event);
    const summary = { namespace: settings.metricsNamespace, range, records: records.length };
    let opened: OpenBatch;
    try {
      opened = await ports.books.begin(range);
    } catch (error) {
      if (!(error instanceof StateUnavailable)) throw error;
      ports.log(batchLogLine({ ...summary, ...NOTHING, reasons: [error.message], ...measured(times, ports.clock) }));
      return failedFrom(range.from);
    }
    const redelivered = countUpTo(records, opened.doneUpTo);
    if (redelivered === records.length) {
      await opened.release();
      ports.log(batchLogLine({ ...summary, ...NOTHING, redelivered, reasons: [], ...measured(times, ports.clock) }));
      return ALL_DONE;
    }
    const { done, counts, failures, reasons } = await work(records.slice(redelivered), range, opened, times);
    ports.log(
      batchLogLine({ ...summary, counts, failures, done, redelivered, reasons, ...measured(times, ports.clock) }),
    );
    const undone = records[redelivered + done];
    return undone ? failedFrom(undone.sequenceNumber) : ALL_DONE;
  };
}

const NONE_ACCEPTED: ReadonlyMap<string, number> = new Map();

/** How many leading records lie up to each table's position. */
function leadingRecords(
  records: readonly StreamRecord[],
  ends: ReadonlyMap<string, string>,
): ReadonlyMap<string, number> {
  return new Map([...ends].map(([table, end]) => [table, countUpTo(records, end)]));
}

/** When a batch takes no more records, and when it sends no more; epoch milliseconds. */
interface Times {
  readonly startedAtMs: number;
  readonly stopAtMs: number;
  readonly deliverUntilMs: number;
}

function timesOf(startedAtMs: number, timeLeftMs: number): Times {
  const endMs = startedAtMs + timeLeftMs;
  const reserveMs = Math.min(RESERVE_MS_MAX, Math.max(RESERVE_MS_MIN, timeLeftMs * RESERVE_SHARE));
  return { startedAtMs, stopAtMs: endMs - 2 * reserveMs, deliverUntilMs: endMs - reserveMs };
}

function measured({ startedAtMs }: Times, clock: ClockPort): { readonly atMs: number; readonly durationMs: number } {
  const atMs = clock.now();
  return { atMs, durationMs: atMs - startedAtMs };
}

const NOTHING = {
  counts: { received: 0, delivered: 0, quarantined: 0, dropped: 0, duplicate: 0 },
  failures: new Map<string, number>(),
  done: 0,
  redelivered: 0,
};

/** Counts what is done. What the books did not take is not done. */
async function settle(
  opened: OpenBatch,
  records: readonly StreamRecord[],
  { done, tally, ...rest }: BatchResult,
  isFatal: boolean,
) {
  const batchWork = { records, done, tally, acceptedByTable: rest.acceptedByTable };
  const reasons = [...rest.reasons];
  let counted = 0;
  try {
    if (done > 0) counted = await opened.commit(batchWork);
    // A record that is to be filed stays so: its row may have been taken already.
    else if (!isFatal) await opened.release(batchWork);
  } catch (error) {
    if (!(error instanceof BooksConflict || error instanceof StateUnavailable)) throw error;
    reasons.push(error.message);
  }
  return { done: counted, counts: tally.upTo(counted), failures: tally.failuresUpTo(counted), reasons };
}

function failedFrom(sequenceNumber: string): KinesisStreamBatchResponse {
  return { batchItemFailures: [{ itemIdentifier: sequenceNumber }] };
}

function memoize<Value>(make: (key: string) => Value): (key: string) => Value {
  const made = new Map<string, Value>();
  return (key) => {
    const known = made.get(key);
    if (known !== undefined) return known;
    const value = make(key);
    made.set(key, value);
    return value;
  };
}
