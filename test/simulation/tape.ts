/** The tape in a run: the real handler behind a mapping of its own, and what must be on it. */
import { ReadError, type TapeListing, type TapePort } from '../../batch/reconcile/ports.ts';
import { kinesisEvent } from '../../local/lambda/kinesis-event.ts';
import { PayloadError } from '../../processors/ports.ts';
import { createTapeHandler, type TapeObjectToKeep } from '../../processors/tape.ts';
import { parseTapeKey } from '../../streams/tape/tape-key.ts';
import { decodeTape, parseTapeMetadata } from '../../streams/tape/tape-object.ts';
import type { Conditions } from './conditions.ts';
import { fingerprintOf } from './expected-groups.ts';
import { createFunctionHost, type FunctionHost, type SimulatedProcess } from './function-host.ts';
import type { MappedBatch } from './mapping.ts';
import { STREAM_CREATED_AT_MS } from './processor.ts';
import type { SimulatedStream, StreamedRecord } from './stream.ts';
import { Violation } from './violation.ts';

export interface SimulatedTape {
  readonly host: FunctionHost<MappedBatch>;
  /** Its objects, as they are. */
  readonly port: TapePort;
  /** @throws Violation when a record is not on the tape as it came, or the tape has what was not on the stream */
  audit(stream: SimulatedStream, parked: ReadonlySet<StreamedRecord>): void;
}

const KEEPING_MS_MAX = 300;

export function createTape(conditions: Conditions): SimulatedTape {
  const { scenario, say } = conditions;
  const random = conditions.random('tape ports');
  const kept = new Map<string, TapeObjectToKeep>();

  const portOf = (process: SimulatedProcess<MappedBatch>) => ({
    async keep(object: TapeObjectToKeep) {
      const isRefused = conditions.isAway('payloads') || conditions.befalls('payloadFailed');
      const isLost = conditions.befalls('payloadAnswerLost');
      await process.call({
        name: `keep tape ${object.metadata.records}`,
        latencyMs: random.int(5, KEEPING_MS_MAX),
        refusal: isRefused ? new PayloadError('the bucket is away', { cause: 'simulated' }) : undefined,
        answerLost: isLost ? new PayloadError('the bucket did not answer', { cause: 'simulated' }) : undefined,
        // The body lies in memory that the next batch writes over.
        effect: () => void kept.set(object.key, { ...object, body: Buffer.from(object.body) }),
      });
    },
  });

  const host = createFunctionHost<MappedBatch>({
    name: 'tape',
    conditions,
    timeoutMs: scenario.timeoutMs,
    start(process) {
      const handler = createTapeHandler('Simulation', {
        tape: portOf(process),
        streams: { createdAtMs: async () => STREAM_CREATED_AT_MS },
        clock: process,
        log: (line) => {
          if (!process.isDead) say(() => `${process.invocation?.requestId} logs ${line}`);
        },
      });
      return (batch, context) => handler({ Records: [...kinesisEvent(batch.encoded).Records] }, context);
    },
    onInvoke: () => undefined,
    onAnswer({ requestId, input }, answer) {
      const isDone = JSON.stringify(answer) === JSON.stringify({ batchItemFailures: [] });
      const [first, last] = [input.records[0], input.records.at(-1)];
      const isKept = [...kept.keys()].some((key) => {
        const span = parseTapeKey(key);
        return span?.first === first?.sequenceNumber && span?.last === last?.sequenceNumber;
      });
      if (isDone && !isKept) conditions.fail(new Violation('on the tape before it is done', requestId));
    },
  });

  const port: TapePort = {
    list: async () =>
      [...kept.keys()].flatMap((key): TapeListing[] => {
        const span = parseTapeKey(key);
        return span === undefined ? [] : [{ ...span, key }];
      }),
    async read(key) {
      const object = kept.get(key);
      if (object === undefined) throw new ReadError(key, 'it is not there');
      return object.body;
    },
  };

  return {
    host,
    port,
    audit(stream, parked) {
      const byPosition = new Map(stream.records.map((record) => [positionOf(record), record]));
      const onTape = new Set<StreamedRecord>();
      for (const object of kept.values()) checkObject(object, byPosition, onTape);
      for (const record of stream.records) {
        if (onTape.has(record) || parked.has(record)) continue;
        throw new Violation('the tape has all', `#${record.index} of ${record.shardId} is not on it`);
      }
    },
  };
}

const positionOf = ({ shardId, sequenceNumber }: Pick<StreamedRecord, 'shardId' | 'sequenceNumber'>) =>
  `${shardId}:${sequenceNumber}`;

function checkObject(
  object: TapeObjectToKeep,
  byPosition: ReadonlyMap<string, StreamedRecord>,
  onTape: Set<StreamedRecord>,
): void {
  const span = parseTapeKey(object.key);
  if (span === undefined) throw new Violation('the tape is as the stream was', `${object.key} is no key of it`);
  const { shardId, first, last } = span;
  let fingerprint = 0n;
  const records = decodeTape(object.body, shardId);
  for (const { sequenceNumber, data, partitionKey, arrivedAtMs } of records) {
    const record = byPosition.get(positionOf({ shardId, sequenceNumber }));
    const isSame =
      record?.data.equals(data) && record.partitionKey === partitionKey && record.arrivedAtMs === arrivedAtMs;
    if (record === undefined || !isSame || sequenceNumber < first || sequenceNumber > last) {
      throw new Violation('the tape is as the stream was', `${object.key}: ${sequenceNumber}`);
    }
    onTape.add(record);
    fingerprint += BigInt(fingerprintOf(record));
  }
  const metadata = parseTapeMetadata(object.metadata);
  if (metadata.records === records.length && metadata.fingerprint === fingerprint) return;
  throw new Violation('the tape says what it holds', `${object.key}: ${JSON.stringify(object.metadata)}`);
}
