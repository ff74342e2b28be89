/**
 * Batch operations: the rules of the list, and entries that fail by themselves.
 * Source: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessageBatch.html
 */
import type { FaultSwitch } from '../faults/fault-switch.ts';
import { AwsError } from '../service.ts';
import { queryCode } from './sqs-error.ts';

export interface BatchEntry {
  /** The caller's own, to tell the results apart. */
  readonly Id: string;
}

export interface BatchResult {
  readonly Successful?: readonly object[];
  readonly Failed?: readonly object[];
}

export const BATCHES = ['SendMessageBatch', 'DeleteMessageBatch', 'ChangeMessageVisibilityBatch'] as const;

const ENTRIES_MAX = 10;
/** How SQS says that the entry's failure is not the sender's: API_BatchResultErrorEntry.html */
const REJECTED = {
  Code: 'InternalError',
  Message: 'We encountered an internal error. Please try again.',
  SenderFault: false,
};

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

export interface EntriesRun<Entry extends BatchEntry> {
  /** AWS's name of the batch. */
  readonly operation: (typeof BATCHES)[number];
  readonly entries: readonly Entry[];
  /** An AwsError is the entry's failure, not the batch's. */
  readonly run: (entry: Entry) => object;
  readonly faults: Pick<FaultSwitch, 'rejects'>;
}

/** Runs each entry by itself. */
export function runEntries<Entry extends BatchEntry>({
  operation,
  entries,
  run,
  faults,
}: EntriesRun<Entry>): BatchResult {
  const successful: object[] = [];
  const failed: object[] = [];
  for (const entry of entries) {
    if (faults.rejects(operation)) {
      failed.push({ Id: entry.Id, ...REJECTED });
      continue;
    }
    try {
      successful.push({ Id: entry.Id, ...run(entry) });
    } catch (error) {
      if (!(error instanceof AwsError)) throw error;
      failed.push({ Id: entry.Id, Code: queryCode(error.code), Message: error.message, SenderFault: true });
    }
  }
  return { ...(successful.length > 0 && { Successful: successful }), ...(failed.length > 0 && { Failed: failed }) };
}
