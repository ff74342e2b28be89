/**
 * The operations of Kinesis Data Streams over AWS JSON 1.1.
 * Source: https://docs.aws.amazon.com/kinesis/latest/APIReference/API_Operations.html
 */
import type { Clock } from '../clock.ts';
import { jsonProtocol } from '../protocol/json.ts';
import { AwsError, type ServiceRequest, type ServiceResponse } from '../service.ts';
import { describeOperations } from './describe-operations.ts';
import type { FaultSwitch } from './faults.ts';
import { putOperations } from './put-operations.ts';
import { readOperations } from './read-operations.ts';
import type { ShardLimits } from './shard-limits.ts';
import type { StreamsOfAccount } from './stream-reference.ts';

export interface OperationsContext extends StreamsOfAccount {
  readonly clock: Clock;
  readonly faults: FaultSwitch;
  readonly limits: ShardLimits;
  /** Gets one line for what clients are told only in general terms. */
  readonly warn: (line: string) => void;
}

/** Ten MiB in base64, keys with every character escaped, and room for JSON. */
const BODY_BYTES_MAX = 24 * 1024 * 1024;

export function kinesisOperations(context: OperationsContext): (request: ServiceRequest) => Promise<ServiceResponse> {
  const answer = jsonProtocol({
    service: 'kinesis',
    targetPrefix: 'Kinesis_20131202',
    version: '1.1',
    invalidInputCode: 'ValidationException',
    bodyBytesMax: BODY_BYTES_MAX,
    operations: { ...putOperations(context), ...readOperations(context), ...describeOperations(context) },
  });
  return async (request) => {
    context.faults.checkAvailable();
    refuseOtherProtocols(request);
    return answer(request);
  };
}

/** The SDKs for Java send CBOR unless told not to. */
function refuseOtherProtocols({ headers, path }: ServiceRequest): void {
  const contentType = headers['content-type'] ?? '';
  if (!contentType.includes('cbor') && !path.startsWith('/service/')) return;
  throw new AwsError(
    'UnknownOperationException',
    `The local kinesis speaks application/x-amz-json-1.1, received ${contentType}. SDKs for Java: set AWS_CBOR_DISABLE=true.`,
    415,
  );
}
