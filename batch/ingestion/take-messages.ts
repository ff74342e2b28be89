/** Messages of users, of the queue `data-pipeline-ingest`: each goes onto the stream by itself, or comes again by itself. */
import type { SQSRecord } from 'aws-lambda';
import type { PutRecords } from './ordered-puts.ts';
import { wrapMessage } from './wrap-message.ts';

/** Name of the message attribute that names the dataset of plain JSON. */
export const DATASET_ATTRIBUTE = 'dataset';

/**
 * @param defaultDataset of plain JSON whose message names none
 * @returns records put on the stream
 */
export async function takeMessage(message: SQSRecord, defaultDataset: string, put: PutRecords): Promise<number> {
  const { messageId, body, eventSourceARN: queueArn, messageAttributes } = message;
  // Who invokes the function by hand may leave them out, whatever the type says.
  const named = messageAttributes?.[DATASET_ATTRIBUTE]?.stringValue;
  const records = wrapMessage({ messageId, body, queueArn, dataset: named || defaultDataset });
  await put(records);
  return records.length;
}
