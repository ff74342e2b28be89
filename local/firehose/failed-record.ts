/**
 * What is written to the error prefix: one JSON object a line.
 * Source: https://docs.aws.amazon.com/firehose/latest/dev/record-format-conversion-error-handling.html; the names
 * `lastErrorCode` and `lastErrorMessage` are those of objects seen on AWS.
 */

export type ErrorOutputType = 'format-conversion-failed' | 'processing-failed' | 'activePartitionExceeded';

export interface FailedRecord {
  readonly type: ErrorOutputType;
  readonly code: string;
  readonly message: string;
  readonly rawData: Buffer;
  readonly arrivedAtMs: number;
}

export interface TableReference {
  readonly catalogId: string;
  readonly region: string;
  readonly databaseName: string;
  readonly tableName: string;
}

export function failedRecordLine(failed: FailedRecord, table: TableReference): string {
  const times = {
    attemptsMade: 1,
    arrivalTimestamp: failed.arrivedAtMs,
    attemptEndingTimestamp: failed.arrivedAtMs,
    rawData: failed.rawData.toString('base64'),
  };
  const body =
    failed.type === 'format-conversion-failed'
      ? {
          ...times,
          lastErrorCode: failed.code,
          lastErrorMessage: failed.message,
          sequenceNumber: null,
          subSequenceNumber: null,
          dataCatalogTable: { ...table, versionId: 'LATEST', catalogArn: null },
        }
      : { ...times, errorCode: failed.code, errorMessage: failed.message, lambdaArn: null };
  return `${JSON.stringify(body)}\n`;
}
