/**
 * The tape: a second, simpler consumer that keeps the stream as it came, one object a batch. It shares no decision with
 * the processor, so what the processor never saw is missed by comparing the two, and can be played again after the
 * stream has forgotten it.
 */
import type { Context, KinesisStreamBatchResponse, KinesisStreamEvent } from 'aws-lambda';
import { formatHour } from '../schemas/timestamp.ts';
import { createRecordIdentity } from '../streams/position.ts';
import { formatTapeKey } from '../streams/tape/tape-key.ts';
import { encodeTape, formatTapeMetadata, measureTape } from '../streams/tape/tape-object.ts';
import { StateUnavailable } from './books/state-table.ts';
import type { StreamInfoPort } from './books/stream-info.ts';
import { type ClockPort, PayloadError } from './ports.ts';
import { createRecordReader, shardIdOf, streamArnOf, streamNameOf } from './read-kinesis-event.ts';
import { tapeLogLine } from './tape-log-line.ts';

export interface TapeObjectToKeep {
  readonly key: string;
  readonly body: Buffer;
  /** S3 user metadata. */
  readonly metadata: Readonly<Record<string, string>>;
}

export interface TapePort {
  /**
   * @param deadlineMs epoch milliseconds after which it is given up
   * @throws PayloadError when the object is not known to be kept
   */
  keep(object: TapeObjectToKeep, deadlineMs: number): Promise<void>;
}

export interface TapePorts {
  readonly tape: TapePort;
  readonly streams: StreamInfoPort;
  readonly clock: ClockPort;
  readonly log: (line: string) => void;
}

export type TapeHandler = (
  event: KinesisStreamEvent,
  context: Pick<Context, 'getRemainingTimeInMillis' | 'awsRequestId'>,
) => Promise<KinesisStreamBatchResponse>;

const RESERVE_MS = 1_000;

/**
 * A batch is one object, so it is kept whole or tried again whole. What could not be kept is reported from its first
 * record, not thrown: thrown, it would be bisected, and an outage of S3 would end in an object a record. What kills the
 * function (its memory, its time) is bisected all the same.
 * @throws what is neither S3's nor Kinesis' failure
 */
export function createTapeHandler(metricsNamespace: string, ports: TapePorts): TapeHandler {
  const readRecords = createRecordReader();
  return async (event, context) => {
    const [first, last] = [event.Records[0], event.Records.at(-1)];
    if (!first || !last) return { batchItemFailures: [] };
    const startedAtMs = ports.clock.now();
    const deadlineMs = startedAtMs + context.getRemainingTimeInMillis() - RESERVE_MS;
    const records = readRecords(event);
    const streamName = streamNameOf(first.eventSourceARN);
    const streamArn = streamArnOf(first.eventSourceARN);
    const metadata = measureTape(records, createRecordIdentity(streamName), streamArn);
    const arrivedAtMs = records[0]?.arrivedAtMs ?? startedAtMs;
    let failure: string | undefined;
    let key = '';
    try {
      key = formatTapeKey({
        streamName,
        createdAtMs: await ports.streams.createdAtMs(streamArn),
        shardId: shardIdOf(first.eventID),
        first: first.kinesis.sequenceNumber,
        last: last.kinesis.sequenceNumber,
        hour: formatHour(arrivedAtMs),
      });
      await ports.tape.keep({ key, body: encodeTape(records), metadata: formatTapeMetadata(metadata) }, deadlineMs);
    } catch (error) {
      if (!(error instanceof PayloadError || error instanceof StateUnavailable)) throw error;
      failure = error.message;
    }
    const atMs = ports.clock.now();
    ports.log(
      tapeLogLine({ namespace: metricsNamespace, key, metadata, failure, atMs, durationMs: atMs - startedAtMs }),
    );
    return failure === undefined
      ? { batchItemFailures: [] }
      : { batchItemFailures: [{ itemIdentifier: first.kinesis.sequenceNumber }] };
  };
}
