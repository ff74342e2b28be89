/**
 * The operations of Kinesis Data Streams over AWS JSON 1.1.
 * Source: https://docs.aws.amazon.com/kinesis/latest/APIReference/API_Operations.html
 */
import { jsonProtocol } from '../protocol/json.ts';
import { parseDataJson } from '../protocol/parse-data-json.ts';
import { AwsError, type ServiceHandler, type ServiceRequest, type ServiceResponse } from '../service.ts';
import { describeOperations } from './describe-operations.ts';
import type { OperationsContext } from './operations-context.ts';
import { putOperations } from './put-operations.ts';
import { readOperations } from './read-operations.ts';
import { reshardOperations } from './reshard-operations.ts';

/** Ten MiB in base64, keys with every character escaped, and room for JSON. */
const BODY_BYTES_MAX = 24 * 1024 * 1024;

export function kinesisOperations(context: OperationsContext): ServiceHandler {
  const answer = jsonProtocol({
    service: 'kinesis',
    targetPrefix: 'Kinesis_20131202',
    version: '1.1',
    invalidInputCode: 'ValidationException',
    bodyBytesMax: BODY_BYTES_MAX,
    parse: parseDataJson,
    operations: {
      ...putOperations(context),
      ...readOperations(context),
      ...describeOperations(context),
      ...reshardOperations(context),
    },
  });
  const handle = async (request: ServiceRequest): Promise<ServiceResponse> => {
    refuseOtherProtocols(request);
    return answer(request);
  };
  return Object.assign(handle, { operations: answer.operations });
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
