/** What Kinesis takes as a record. */
import { PARTITION_KEY_CHARACTERS_MAX } from './limits.ts';

/** Why Kinesis would not take the record, in one sentence; `undefined` when it would. */
export function problemOfRecord(data: Uint8Array, partitionKey: unknown, recordBytesMax: number): string | undefined {
  if (typeof partitionKey !== 'string') {
    return `A partition key is text of 1 to ${PARTITION_KEY_CHARACTERS_MAX} characters; received ${typeof partitionKey}.`;
  }
  const { length } = partitionKey;
  if (length === 0 || length > PARTITION_KEY_CHARACTERS_MAX || !partitionKey.isWellFormed()) {
    return (
      `A partition key of ${length} characters was put; ` +
      `it has 1 to ${PARTITION_KEY_CHARACTERS_MAX}, and no half of a surrogate pair.`
    );
  }
  const bytes = data.length + Buffer.byteLength(partitionKey);
  if (bytes <= recordBytesMax) return undefined;
  return `A record of ${bytes} bytes with its partition key was put; at most ${recordBytesMax} fit.`;
}
