/** The Redrive function in a run: the real handler, over the stream, Firehose and the buckets of the simulation. */
import { gunzipSync } from 'node:zlib';
import { createKinesisReplay } from '../../batch/adapters/kinesis-replay.ts';
import type { DocumentsPort, TapePort } from '../../batch/reconcile/ports.ts';
import { createRedriveHandler } from '../../batch/redrive/handler.ts';
import { createTapePlaces } from '../../batch/redrive/tape-places.ts';
import { type StateTablePort, StateUnavailable } from '../../processors/books/state-table.ts';
import { readParkedRecords } from '../../processors/landed/parked-records.ts';
import { isRecord } from '../../schemas/describe.ts';
import type { PutRecordsEntry } from '../../streams/producer/put-records-port.ts';
import { type Audit, generationOf } from './audit.ts';
import type { Conditions } from './conditions.ts';
import type { SimulatedFirehose } from './firehose.ts';
import { createFunctionHost, type SimulatedProcess } from './function-host.ts';
import { ARCHIVE_BUCKET, PROCESSED_BUCKET, type SimulatedObjects } from './objects.ts';
import { createDelivery, STREAM_CREATED_AT_MS } from './processor.ts';
import { putPort } from './put-port.ts';
import { createStatePort } from './state-ports.ts';
import { type Replay, type SimulatedStream, STREAM_NAME, type StreamedRecord } from './stream.ts';
import { Violation } from './violation.ts';

/** What its requests begin with. */
export const REDRIVE = 'redrive';

export interface RedriveOptions {
  readonly conditions: Conditions;
  readonly table: StateTablePort;
  readonly stream: SimulatedStream;
  readonly firehose: SimulatedFirehose;
  readonly objects: SimulatedObjects;
  readonly tape: TapePort;
  readonly audit: Audit;
}

export interface SimulatedRedrive {
  /** @param keys objects to take up. Default: all that wait */
  invoke(keys?: readonly string[]): void;
}

const TIMEOUT_MS = 300_000;
const CALL_MS_MAX = 60;
const WAIT_MS_MAX = 500;

type Process = SimulatedProcess<object>;

export function createRedrive(options: RedriveOptions): SimulatedRedrive {
  const { conditions, table, firehose, objects } = options;
  const { say } = conditions;
  const random = conditions.random('redrive ports');

  const reading = <Value>(process: Process, name: string, effect: () => Promise<Value> | Value) => {
    const refusal = conditions.befalls('objectFailed') ? new Error(`${name}: its store does not answer`) : undefined;
    return process.call({ name, latencyMs: random.int(1, CALL_MS_MAX), refusal, effect });
  };

  function start(process: Process) {
    const documents: DocumentsPort = {
      parkedRecords: (key) =>
        reading(process, `read ${key}`, () => readParkedRecords(objects.read(ARCHIVE_BUCKET, key).toString())),
      misdeliveredIds: () => Promise.reject(new Error('redrive asks for no identities')),
    };
    const tape: TapePort = {
      list: (streamName) => reading(process, 'list the tape', () => options.tape.list(streamName)),
      read: (key) => reading(process, 'read the tape', () => options.tape.read(key)),
    };
    const handler = createRedriveHandler({
      table: createStatePort({
        ...{ table, conditions, random, process },
        onWritten: ({ requestId }, writes) => options.audit.onRedriven(requestId, writes),
      }),
      documents,
      readErrors: (key) => reading(process, `read ${key}`, () => objects.read(PROCESSED_BUCKET, key).toString()),
      tapeOf: createTapePlaces({ tape, documents }),
      streams: { createdAtMs: async () => STREAM_CREATED_AT_MS },
      put: createKinesisReplay({
        port: putPort({
          ...{ process, conditions, random },
          stream: options.stream,
          contentOf: (entry) => replayOf(entry, options.stream, options.audit),
        }),
        streamName: STREAM_NAME,
        // Its own waits are random by the machine's randomness.
        wait: () => process.sleep(random.int(1, WAIT_MS_MAX)),
      }),
      delivery: createDelivery(conditions, firehose, process, random),
      now: process.now,
      log: (line) => {
        if (!process.isDead) say(() => `${process.invocation?.requestId} logs ${line}`);
      },
    });
    return handler;
  }

  let isUnderWay = 0;
  const host = createFunctionHost<object>({
    name: REDRIVE,
    conditions,
    timeoutMs: TIMEOUT_MS,
    isExpected: (error) => error instanceof StateUnavailable,
    start,
    onInvoke: (invocation) => {
      isUnderWay += 1;
      if (isUnderWay > 1) invocation.mayRepeat ??= 'another redrive may be under way';
    },
    onAnswer: () => undefined,
  });

  return {
    invoke(keys) {
      host.invoke(keys === undefined ? {} : { keys }, (result) => {
        if (result.kind === 'returned') isUnderWay -= 1;
        say(() => `a redrive ${result.kind}`);
      });
    },
  };
}

/** A7 52 50 4C, 01, length of the header in 2 bytes, header, data: docs/tape.md */
const HEADER_AT = 7;

/** @throws Violation when it is no record that was given up, as it was, and that nothing counts */
function replayOf({ data, partitionKey }: PutRecordsEntry, stream: SimulatedStream, audit: Audit): Replay {
  const bytes = Buffer.from(data);
  const end = HEADER_AT + bytes.readUInt16BE(HEADER_AT - 2);
  const parsed: unknown = JSON.parse(bytes.toString('utf8', HEADER_AT, end));
  const header = isRecord(parsed) ? parsed : {};
  const { shardId, sequenceNumber, generation } = header;
  const first = stream.records.find((each) => each.shardId === shardId && each.sequenceNumber === sequenceNumber);
  const body = header.gzip === true ? gunzipSync(bytes.subarray(end)) : bytes.subarray(end);
  const isSame =
    first?.replay === undefined &&
    first?.data.equals(body) &&
    header.partitionKey === first.partitionKey &&
    partitionKey === first.partitionKey &&
    header.arrivedAtMs === first.arrivedAtMs;
  if (first === undefined || !isSame || typeof generation !== 'number') {
    throw new Violation('played as it first came', JSON.stringify(header));
  }
  const givenUp = (each: StreamedRecord): boolean =>
    audit.accountOf(each).isParked && (each === first || each.replay?.first === first);
  const before = stream.records.filter((each) => givenUp(each) && generationOf(each) === generation - 1);
  if (before.length === 0) {
    throw new Violation('played as often as it was given up', `#${first.index} in generation ${generation}`);
  }
  if (before.every((each) => audit.accountOf(each).countedBy !== undefined)) {
    throw new Violation('what is counted is not played', `#${first.index} in generation ${generation}`);
  }
  return { first, generation };
}
