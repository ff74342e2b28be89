import { ApiError, invalid } from './api-error.ts';

/** Records of a request. More of them come by more requests. */
export const REQUEST_RECORDS_MAX = 10_000;

/** Records are not judged here: those that are not as their dataset demands become failed events. @throws ApiError */
export function readRecords(value: unknown): readonly unknown[] {
  if (!Array.isArray(value)) throw invalid('records', value, 'a list of JSON values');
  if (value.length >= 1 && value.length <= REQUEST_RECORDS_MAX) return value;
  throw new ApiError(
    'INVALID_REQUEST',
    `records: received ${value.length}, allowed: 1 to ${REQUEST_RECORDS_MAX} a request`,
  );
}
