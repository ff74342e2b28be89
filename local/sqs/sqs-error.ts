/**
 * Errors of SQS. Newer clients read the name of the shape in the body, those that came from the query protocol its older
 * code in a header (https://smithy.io/2.0/aws/protocols/aws-query-protocol.html, awsQueryCompatible).
 */
import { AwsError } from '../service.ts';

/** Codes of the query protocol, by the names in the body. Source: the `awsQueryError` traits of the SQS model. */
const QUERY_CODES: Readonly<Record<string, string>> = {
  BatchEntryIdsNotDistinct: 'AWS.SimpleQueueService.BatchEntryIdsNotDistinct',
  BatchRequestTooLong: 'AWS.SimpleQueueService.BatchRequestTooLong',
  EmptyBatchRequest: 'AWS.SimpleQueueService.EmptyBatchRequest',
  InvalidBatchEntryId: 'AWS.SimpleQueueService.InvalidBatchEntryId',
  InvalidParameterValueException: 'InvalidParameterValue',
  MessageNotInflight: 'AWS.SimpleQueueService.MessageNotInflight',
  QueueDoesNotExist: 'AWS.SimpleQueueService.NonExistentQueue',
  TooManyEntriesInBatchRequest: 'AWS.SimpleQueueService.TooManyEntriesInBatchRequest',
  UnknownOperationException: 'InvalidAction',
  UnsupportedOperation: 'AWS.SimpleQueueService.UnsupportedOperation',
};

/** @param code as in the body */
export function errorHeaders(code: string): Readonly<Record<string, string>> {
  return { 'x-amzn-query-error': `${queryCode(code)};Sender` };
}

export function queryCode(code: string): string {
  return QUERY_CODES[code] ?? code;
}

export function queueDoesNotExist(reference: string): AwsError {
  return new AwsError('QueueDoesNotExist', `The specified queue does not exist: ${reference}`);
}

export function invalidParameter(message: string): AwsError {
  return new AwsError('InvalidParameterValueException', message);
}

export function receiptHandleIsInvalid(handle: string): AwsError {
  return new AwsError('ReceiptHandleIsInvalid', `The input receipt handle "${handle}" is not a valid receipt handle.`);
}
