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
import type { BooksPort, ClockPort, DeliveryPort, PayloadPort } from './ports.ts';
import { processBatch } from './process-batch.ts';
import type { DecodeStage } from './stages/decode.ts';
import { createPipelineColumns } from './stages/pipeline-columns.ts';

/** What the handler keeps back of its time to answer: a tenth, 1 s at least and 10 s at most. */
const RESERVE_SHARE = 0.1;
const RESERVE_MS_MIN = 1_000;
const RESERVE_MS_MAX = 10_000;

export interface RealtimePorts {
  readonly books: BooksPort;
  readonly delivery: DeliveryPort;
  readonly payloads: PayloadPort;
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
}

export type RealtimeHandler = (
  event: KinesisStreamEvent,
  context: Pick<Context, 'getRemainingTimeInMillis'>,
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

  return async (event, context) => {
    const startedAtMs = ports.clock.now();
    const records = readRecords(event);
    const [first, last] = [event.Records[0], event.Records.at(-1)];
    if (!first || !last) return ALL_DONE;
    const range = {
      streamArn: first.eventSourceARN,
      shardId: shardIdOf(first.eventID),
      from: first.kinesis.sequenceNumber,
      to: last.kinesis.sequenceNumber,
    };
    const terms = await ports.books.begin(range);
    const timeLeftMs = context.getRemainingTimeInMillis();
    const endMs = ports.clock.now() + timeLeftMs;
    const reserveMs = Math.min(RESERVE_MS_MAX, Math.max(RESERVE_MS_MIN, timeLeftMs * RESERVE_SHARE));
    const { done, tally, reasons } = await lastValueFrom(
      processBatch(
        records,
        {
          decode: stageOf(streamNameOf(range.streamArn)),
          route: { columns, processedAt: formatTimestamp(terms.evaluatedAtMs), payloadUri },
          evaluatedAtMs: terms.evaluatedAtMs,
          qualityThreshold: terms.qualityThreshold,
          stopAtMs: endMs - 2 * reserveMs,
          deliverUntilMs: endMs - reserveMs,
        },
        ports,
      ),
    );
    const counts = tally.upTo(done);
    const lastDone = event.Records[done - 1];
    if (lastDone) await ports.books.commit({ ...range, to: lastDone.kinesis.sequenceNumber }, counts);
    ports.log(
      batchLogLine({
        namespace: settings.metricsNamespace,
        range,
        counts,
        failures: tally.failuresUpTo(done),
        records: records.length,
        done,
        reasons,
        atMs: ports.clock.now(),
        durationMs: ports.clock.now() - startedAtMs,
      }),
    );
    const undone = event.Records[done];
    return undone ? { batchItemFailures: [{ itemIdentifier: undone.kinesis.sequenceNumber }] } : ALL_DONE;
  };
}

/** Reads base64 into one arena that is used again by the next batch: nothing of a batch outlives its invocation. */
function createRecordReader(): (event: KinesisStreamEvent) => StreamRecord[] {
  let arena = Buffer.allocUnsafe(0);
  return ({ Records }) => {
    // Base64 has four characters for three bytes.
    const bytesMax = Records.reduce((sum, { kinesis }) => sum + Math.ceil(kinesis.data.length * 0.75) + 1, 0);
    if (bytesMax > arena.length) arena = Buffer.allocUnsafe(bytesMax);
    let at = 0;
    return Records.map(({ kinesis, eventID }) => {
      const start = at;
      at += arena.write(kinesis.data, at, 'base64');
      return {
        shardId: shardIdOf(eventID),
        sequenceNumber: kinesis.sequenceNumber,
        partitionKey: kinesis.partitionKey,
        data: arena.subarray(start, at),
        // Seconds with a fraction in a Lambda event: lambda/latest/dg/with-kinesis.html
        arrivedAtMs: Math.round(kinesis.approximateArrivalTimestamp * 1000),
      };
    });
  };
}

/** `shardId-000000000006:4959…` */
function shardIdOf(eventId: string): string {
  return eventId.slice(0, eventId.indexOf(':'));
}

/** `arn:aws:kinesis:us-east-1:123456789012:stream/name`; a consumer's goes on with `/consumer/…`. */
function streamNameOf(eventSourceArn: string): string {
  return eventSourceArn.split('/', 2)[1] ?? '';
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
