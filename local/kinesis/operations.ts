/**
 * The operations of Kinesis Data Streams over AWS JSON 1.1.
 * Source: https://docs.aws.amazon.com/kinesis/latest/APIReference/API_Operations.html
 */
import { Readable } from 'node:stream';
import { jsonProtocol } from '../protocol/json.ts';
import { AwsError, type ServiceHandler, type ServiceRequest, type ServiceResponse } from '../service.ts';
import type { Base64Span } from './base64.ts';
import { cutData } from './cut-data.ts';
import { describeOperations } from './describe-operations.ts';
import type { OperationsContext } from './operations-context.ts';
import { putOperations } from './put-operations.ts';
import { readOperations } from './read-operations.ts';
import { createBodyReceiver } from './receive-body.ts';

const TARGET_PREFIX = 'Kinesis_20131202';
const PUTS = new Set(['PutRecord', 'PutRecords'].map((name) => `${TARGET_PREFIX}.${name}`));

/** Ten MiB in base64, keys with every character escaped, and room for JSON. */
const BODY_BYTES_MAX = 24 * 1024 * 1024;
/** From this size of body on data is cut out before the JSON is parsed. */
const CUT_BYTES_MIN = 32 * 1024;
/** A full PutRecords; larger bodies are received as any other. */
const CUT_BYTES_MAX = 16 * 1024 * 1024;

export function kinesisOperations(ports: Omit<OperationsContext, 'spansOf'>): ServiceHandler {
  const spansOfRequest = new WeakMap<ServiceRequest, readonly Base64Span[]>();
  const context: OperationsContext = { ...ports, spansOf: (request) => spansOfRequest.get(request) };
  const receiver = createBodyReceiver(CUT_BYTES_MAX);
  const answer = jsonProtocol({
    service: 'kinesis',
    targetPrefix: TARGET_PREFIX,
    version: '1.1',
    invalidInputCode: 'ValidationException',
    bodyBytesMax: BODY_BYTES_MAX,
    operations: { ...putOperations(context), ...readOperations(context), ...describeOperations(context) },
  });

  async function answerCut(request: ServiceRequest, length: number): Promise<ServiceResponse> {
    const { bytes, release } = await receiver.receive(request.body, length);
    try {
      const cut = cutData(bytes);
      const withoutData = { ...request, body: Readable.from([cut ? Buffer.from(cut.text) : bytes]) };
      if (cut) spansOfRequest.set(withoutData, cut.spans);
      return await answer(withoutData);
    } finally {
      release();
    }
  }

  const handle = async (request: ServiceRequest): Promise<ServiceResponse> => {
    ports.faults.checkAvailable();
    refuseOtherProtocols(request);
    const length = Number(request.headers['content-length'] ?? 0);
    const isLargePut = PUTS.has(request.headers['x-amz-target'] ?? '') && length >= CUT_BYTES_MIN;
    return isLargePut && length <= CUT_BYTES_MAX ? answerCut(request, length) : answer(request);
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
