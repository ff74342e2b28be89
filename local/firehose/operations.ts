/**
 * The operations of Firehose over AWS JSON 1.1.
 * Source: https://docs.aws.amazon.com/firehose/latest/APIReference/API_Operations.html
 */
import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { faultError } from '../faults/fault-errors.ts';
import type { FaultSwitch } from '../faults/fault-switch.ts';
import { decodedBytes } from '../protocol/base64.ts';
import { jsonProtocol, operation } from '../protocol/json.ts';
import { parseDataJson } from '../protocol/parse-data-json.ts';
import { AwsError, type Environment, type ServiceHandler } from '../service.ts';
import type { DeliveryStream } from './delivery-stream.ts';

/** https://docs.aws.amazon.com/firehose/latest/dev/limits.html */
export const RECORDS_A_BATCH_MAX = 500;
export const BATCH_BYTES_MAX = 4 * 1024 * 1024;
export const RECORD_BYTES_MAX = 1_000 * 1024;

/** A full batch in base64, with room for its JSON. */
const BODY_BYTES_MAX = 8 * 1024 * 1024;
const LIST_MAX = { byDefault: 10, most: 10_000 };
/** What every stream here is: others are refused in the template. */
const DELIVERY_STREAM_TYPE = 'DirectPut';

export interface OperationsContext {
  readonly environment: Environment;
  readonly faults: Pick<FaultSwitch, 'rejects'>;
  readonly names: () => readonly string[];
  readonly find: (name: string) => { readonly stream: DeliveryStream; readonly createdAtMs: number } | undefined;
  /** Resolves when the records are on disk. @param ends where each record ends in `data` */
  readonly takeIn: (name: string, data: Uint8Array, ends: readonly number[]) => Promise<void>;
}

const Name = z.string().regex(/^[\w.-]{1,64}$/, 'is 1 to 64 letters, digits, _ . -');
const RecordShape = z.object({ Data: z.string() });

export function firehoseOperations(context: OperationsContext): ServiceHandler {
  return jsonProtocol({
    service: 'firehose',
    targetPrefix: 'Firehose_20150804',
    version: '1.1',
    invalidInputCode: 'InvalidArgumentException',
    bodyBytesMax: BODY_BYTES_MAX,
    parse: parseDataJson,
    operations: {
      PutRecord: operation(z.object({ DeliveryStreamName: Name, Record: RecordShape }), (input) =>
        putRecord(context, input.DeliveryStreamName, input.Record.Data),
      ),
      PutRecordBatch: operation(
        z.object({ DeliveryStreamName: Name, Records: z.array(RecordShape).min(1).max(RECORDS_A_BATCH_MAX) }),
        (input) =>
          putRecordBatch(
            context,
            input.DeliveryStreamName,
            input.Records.map((record) => record.Data),
          ),
      ),
      DescribeDeliveryStream: operation(z.object({ DeliveryStreamName: Name }), (input) =>
        describe(context, input.DeliveryStreamName),
      ),
      ListDeliveryStreams: operation(
        z.object({
          Limit: z.number().int().min(1).max(LIST_MAX.most).default(LIST_MAX.byDefault),
          DeliveryStreamType: z
            .enum([DELIVERY_STREAM_TYPE, 'KinesisStreamAsSource', 'MSKAsSource', 'DatabaseAsSource'])
            .default(DELIVERY_STREAM_TYPE),
          ExclusiveStartDeliveryStreamName: z.string().optional(),
        }),
        (input) => list(context, input),
      ),
    },
  });
}

async function putRecord(context: OperationsContext, name: string, data: string): Promise<object> {
  find(context, name);
  const { bytes, ends } = decode([data]);
  await context.takeIn(name, bytes, ends);
  return { RecordId: randomUUID(), Encrypted: false };
}

async function putRecordBatch(context: OperationsContext, name: string, records: readonly string[]): Promise<object> {
  find(context, name);
  const all = decode(records);
  const rejected = records.map(() => context.faults.rejects('PutRecordBatch'));
  const failed = rejected.filter(Boolean).length;
  const { bytes, ends } = failed === 0 ? all : decode(records.filter((_record, index) => !rejected[index]));
  if (ends.length > 0) await context.takeIn(name, bytes, ends);
  const { code: ErrorCode, message: ErrorMessage } = faultError('firehose', 'throttling');
  const batchId = randomUUID();
  return {
    FailedPutCount: failed,
    Encrypted: false,
    RequestResponses: rejected.map((isRejected, index) =>
      isRejected ? { ErrorCode, ErrorMessage } : { RecordId: `${batchId}-${String(index).padStart(3, '0')}` },
    ),
  };
}

/** All records' bytes one behind the other, so that they move to another thread as one. */
function decode(records: readonly string[]): { readonly bytes: Uint8Array; readonly ends: readonly number[] } {
  const sizes = records.map(decodedBytes);
  const tooLarge = sizes.findIndex((size) => size > RECORD_BYTES_MAX);
  if (tooLarge >= 0) {
    throw new AwsError(
      'InvalidArgumentException',
      `Record ${tooLarge} has ${sizes[tooLarge]} bytes; at most ${RECORD_BYTES_MAX} are allowed.`,
    );
  }
  const total = sizes.reduce((sum, size) => sum + size, 0);
  if (total > BATCH_BYTES_MAX)
    throw new AwsError(
      'InvalidArgumentException',
      `The records have ${total} bytes; at most ${BATCH_BYTES_MAX} are allowed.`,
    );
  const bytes = Buffer.from(new ArrayBuffer(total));
  const ends: number[] = [];
  let at = 0;
  for (const [index, record] of records.entries()) {
    const written = bytes.write(record, at, 'base64');
    if (written !== sizes[index])
      throw new AwsError('SerializationException', `Data of record ${index} is not valid base64.`);
    at += written;
    ends.push(at);
  }
  return { bytes, ends };
}

function find(context: OperationsContext, name: string) {
  const found = context.find(name);
  if (found) return found;
  throw new AwsError(
    'ResourceNotFoundException',
    `Firehose ${name} under account ${context.environment.account} not found.`,
  );
}

function describe(context: OperationsContext, name: string): object {
  const { stream, createdAtMs } = find(context, name);
  return {
    DeliveryStreamDescription: {
      DeliveryStreamName: stream.name,
      DeliveryStreamARN: stream.arn,
      DeliveryStreamStatus: 'ACTIVE',
      DeliveryStreamType: DELIVERY_STREAM_TYPE,
      DeliveryStreamEncryptionConfiguration: { Status: 'DISABLED' },
      VersionId: '1',
      CreateTimestamp: createdAtMs / 1000,
      Destinations: [
        { DestinationId: 'destinationId-000000000001', ExtendedS3DestinationDescription: stream.destination },
      ],
      HasMoreDestinations: false,
    },
  };
}

function list(
  context: OperationsContext,
  input: {
    readonly Limit: number;
    readonly DeliveryStreamType: string;
    readonly ExclusiveStartDeliveryStreamName?: string | undefined;
  },
): object {
  const after = input.ExclusiveStartDeliveryStreamName ?? '';
  const ofType = input.DeliveryStreamType === DELIVERY_STREAM_TYPE ? context.names() : [];
  const rest = ofType.filter((name) => name > after);
  return {
    DeliveryStreamNames: rest.slice(0, input.Limit),
    HasMoreDeliveryStreams: rest.length > input.Limit,
  };
}
