/**
 * Firehose at the level of the SDK: it rejects single entries, fails as a whole, takes and does not answer, delivers what
 * it took twice; what it took lands in objects, or, where it cannot be converted, below the error prefix.
 */
import type { PutRecordBatchCommand, PutRecordBatchCommandOutput } from '@aws-sdk/client-firehose';
import type { FirehoseCalls } from '../../processors/adapters/firehose-delivery.ts';
import { isRecord } from '../../schemas/describe.ts';
import type { Conditions } from './conditions.ts';
import type { Invocation, SimulatedProcess } from './function-host.ts';
import type { OutagePlan } from './scenario.ts';

export const STREAM_PREFIX = 'data-pipeline-';

/** A document that Firehose has taken. */
export interface AcceptedRow {
  readonly table: string;
  readonly recordId: string;
  readonly row: Readonly<Record<string, unknown>>;
  /** Place among all rows, by acceptance. */
  readonly order: number;
  readonly invocation: Invocation<unknown> | undefined;
  /** Firehose's own second copy. */
  readonly isCopy: boolean;
}

export interface LandedObject {
  readonly table: string;
  /** `orders/dt=2026-06-01/0.parquet`, or below `errors/`. */
  readonly key: string;
  /** `2026-06-01` or `2026-06-01T05`, as the ledger has it; `*` of `failed_events`. */
  readonly partition: string;
  readonly rows: readonly AcceptedRow[];
}

export interface SimulatedFirehose {
  readonly objects: readonly LandedObject[];
  /** By `_record_id`, in the order of acceptance. */
  readonly accepted: ReadonlyMap<string, readonly AcceptedRow[]>;
  clientOf(process: SimulatedProcess<unknown>): FirehoseCalls;
}

const LATENCY_MS = { min: 10, max: 150 } as const;
const BUFFER_MS = 30_000;

export function createFirehose(conditions: Conditions, onLanded: (object: LandedObject) => void): SimulatedFirehose {
  const { time, say } = conditions;
  const random = conditions.random('firehose');
  const objects: LandedObject[] = [];
  const accepted = new Map<string, AcceptedRow[]>();
  let order = 0;
  const buffers = new Map<string, AcceptedRow[]>();

  function land(table: string): void {
    const rows = buffers.get(table) ?? [];
    buffers.delete(table);
    for (const [place, ofPlace] of Map.groupBy(rows, placeOf)) {
      const prefix = conditions.befalls('conversionFailed') ? `errors/${table}/format-conversion-failed` : place;
      const partition = partitionOf(table, place);
      const object = { table, key: `${prefix}/${objects.length}.parquet`, partition, rows: ofPlace };
      objects.push(object);
      say(() => `landed ${object.key}: ${ofPlace.length} rows`);
      onLanded(object);
    }
  }

  function take(table: string, data: Uint8Array, invocation: Invocation<unknown> | undefined): void {
    const isTwice = conditions.befalls('deliveredTwice');
    const buffer = buffers.get(table) ?? [];
    if (!buffers.has(table)) {
      buffers.set(table, buffer);
      time.after(BUFFER_MS, () => land(table));
    }
    const documents = Buffer.from(data).toString().split('\n');
    if (documents.pop() !== '') throw new Error('the last document does not end with a newline');
    for (const text of documents) {
      const row: unknown = JSON.parse(text);
      if (!isRecord(row) || typeof row._record_id !== 'string') throw new Error(`a row without _record_id: ${text}`);
      const { _record_id: recordId } = row;
      for (const isCopy of isTwice ? [false, true] : [false]) {
        const taken = { table, recordId, row, order: order++, invocation, isCopy };
        buffer.push(taken);
        const ofRecord = accepted.get(recordId);
        if (ofRecord) ofRecord.push(taken);
        else accepted.set(recordId, [taken]);
      }
    }
  }

  /** @param invocation that called: its process may have another by now */
  function answer(
    command: PutRecordBatchCommand,
    invocation: Invocation<unknown> | undefined,
  ): PutRecordBatchCommandOutput {
    const { DeliveryStreamName = '', Records = [] } = command.input;
    const table = DeliveryStreamName.slice(STREAM_PREFIX.length);
    const isAway = isTableAway(conditions, table);
    const RequestResponses = Records.map(({ Data }, index) => {
      if (isAway || conditions.befalls('entryRejected')) return { ErrorCode: 'ServiceUnavailableException' };
      take(table, Data ?? new Uint8Array(), invocation);
      return { RecordId: `firehose-${index}` };
    });
    const FailedPutCount = RequestResponses.filter(({ RecordId }) => RecordId === undefined).length;
    if (FailedPutCount > 0 && FailedPutCount < Records.length && invocation) {
      invocation.isTakenInPart = true;
      invocation.mayRepeat ??= 'a call was taken in part';
    }
    return { FailedPutCount, RequestResponses, $metadata: {} };
  }

  return {
    objects,
    accepted,
    clientOf: (process) => ({
      send(command, { abortSignal }) {
        const isAnswerLost = conditions.befalls('deliveryAnswerLost');
        const isSilent = conditions.befalls('deliverySilent');
        const table = command.input.DeliveryStreamName?.slice(STREAM_PREFIX.length) ?? '';
        const { invocation } = process;
        if (invocation && (isAnswerLost || isSilent)) {
          invocation.mayRepeat ??= 'Firehose did not answer';
          invocation.isDeliveryUnanswered = true;
        }
        let isSettled = false;
        const { promise, resolve, reject } = Promise.withResolvers<PutRecordBatchCommandOutput>();
        const giveUp = () => {
          if (isSettled) return;
          // What is on its way may still be taken.
          if (invocation) {
            invocation.mayRepeat ??= 'Firehose took too long';
            invocation.isDeliveryUnanswered = true;
          }
          reject(awsError('AbortError', undefined));
        };
        abortSignal.addEventListener('abort', giveUp, { once: true });
        process
          .call({
            name: `PutRecordBatch ${table} x${command.input.Records?.length}`,
            latencyMs: random.int(LATENCY_MS.min, LATENCY_MS.max),
            refusal: refusalOf(conditions, isTableAway(conditions, table) && random.chance(0.5)),
            answerLost: isAnswerLost ? awsError('TimeoutError', undefined) : undefined,
            isSilent,
            effect: () => answer(command, invocation),
          })
          .finally(() => {
            isSettled = true;
          })
          .then(resolve, reject);
        return promise;
      },
    }),
  };
}

function refusalOf(conditions: Conditions, isAway: boolean): Error | undefined {
  if (conditions.befalls('deliveryRefused')) return awsError('InvalidKMSResourceException', 400);
  return isAway || conditions.befalls('deliveryFailed') ? awsError('ServiceUnavailableException', 503) : undefined;
}

function isTableAway(conditions: Conditions, table: string): boolean {
  const isKnown = (name: string): name is OutagePlan['what'] =>
    name === 'orders' || name === 'readings' || name === 'payments' || name === 'failed_events';
  return isKnown(table) && conditions.isAway(table);
}

function awsError(name: string, httpStatusCode: number | undefined): Error {
  const error = Object.assign(new Error(`${name}, said the simulation`), { $metadata: { httpStatusCode } });
  error.name = name;
  return error;
}

function partitionOf(table: string, place: string): string {
  if (table === 'failed_events') return '*';
  const [, dt, hour] = /dt=([^/]+)(?:\/hour=(\d\d))?$/.exec(place) ?? [];
  return hour === undefined ? String(dt) : `${dt}T${hour}`;
}

/** Where a row's object lies: by its event time, and by arrival what failed. */
function placeOf({ table, row }: AcceptedRow): string {
  const time = String(table === 'failed_events' ? row._ingested_at : row._event_time);
  const day = `${table}/dt=${time.slice(0, 10)}`;
  return table === 'orders' || table === 'payments' ? day : `${day}/hour=${time.slice(11, 13)}`;
}
