/** Finds a record that was played again and given up once more: its document holds the frame, under another place. */
import { padSequence } from '../../streams/position.ts';
import { isReplayFrame, readReplayFrame } from '../../streams/replay-frame.ts';
import type { DocumentsPort } from '../reconcile/ports.ts';
import type { ShardSource } from '../reconcile/shard-source.ts';

/**
 * @param sequence of where it first stood, padded
 * @returns the on-failure document that waits with it
 * @throws ReadError
 */
export async function parkedAgain(
  sources: readonly ShardSource[],
  shardId: string,
  sequence: string,
  documents: Pick<DocumentsPort, 'parkedRecords'>,
): Promise<{ readonly document: string; readonly status: string } | undefined> {
  const waiting = sources.flatMap(({ parked }) => parked).filter((range) => range.status !== 'redriven');
  for (const { key, status, hasPayload } of waiting) {
    const records = hasPayload ? await documents.parkedRecords(key) : undefined;
    for (const { data } of records ?? []) {
      const frame = isReplayFrame(data) ? readReplayFrame(data) : undefined;
      if (typeof frame !== 'object') continue;
      if (frame.shardId === shardId && padSequence(frame.sequenceNumber) === sequence) return { document: key, status };
    }
  }
  return undefined;
}
