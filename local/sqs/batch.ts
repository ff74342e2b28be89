/**
 * Batch operations: the rules of the list, and entries that fail by themselves.
 * Source: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessageBatch.html
 */
import { AwsError } from '../service.ts';
import { queryCode } from './faults.ts';

export interface BatchEntry {
  /** The caller's own, to tell the results apart. */
  readonly Id: string;
}

export interface BatchResult {
  readonly Successful?: readonly object[];
  readonly Failed?: readonly object[];
}

const ENTRIES_MAX = 10;

/** @throws AwsError `EmptyBatchRequest`, `TooManyEntriesInBatchRequest`, `InvalidBatchEntryId`, `BatchEntryIdsNotDistinct` */
export function checkEntries(entries: readonly BatchEntry[]): void {
  if (entries.length === 0) throw new AwsError('EmptyBatchRequest', 'There should be at least one entry.');
  if (entries.length > ENTRIES_MAX) {
    const message = `Maximum number of entries per request are ${ENTRIES_MAX}. You have sent ${entries.length}.`;
    throw new AwsError('TooManyEntriesInBatchRequest', message);
  }
  const seen = new Set<string>();
  for (const { Id } of entries) {
    if (!/^[\w-]{1,80}$/.test(Id)) {
      const allowed = '1 to 80 letters, digits, hyphens and underscores';
      throw new AwsError('InvalidBatchEntryId', `Id of a batch entry: ${allowed}, received ${JSON.stringify(Id)}.`);
    }
    if (seen.has(Id)) throw new AwsError('BatchEntryIdsNotDistinct', `Id ${Id} repeated.`);
    seen.add(Id);
  }
}

/** Runs each entry by itself: an AwsError is the entry's failure, not the batch's. */
export function runEntries<Entry extends BatchEntry>(
  entries: readonly Entry[],
  run: (entry: Entry) => object,
): BatchResult {
  const successful: object[] = [];
  const failed: object[] = [];
  for (const entry of entries) {
    try {
      successful.push({ Id: entry.Id, ...run(entry) });
    } catch (error) {
      if (!(error instanceof AwsError)) throw error;
      failed.push({ Id: entry.Id, Code: queryCode(error.code), Message: error.message, SenderFault: true });
    }
  }
  return { ...(successful.length > 0 && { Successful: successful }), ...(failed.length > 0 && { Failed: failed }) };
}
