/** First stage: a Kinesis record becomes its events. */
import type { DecodeContext } from '../../streams/codecs/decode-context.ts';
import { decodeRecordInto } from '../../streams/codecs/decode-record.ts';
import type { DecodeOutcome } from '../../streams/codecs/outcomes.ts';
import type { RecordIdentity, StreamRecord } from '../../streams/position.ts';
import type { Item, Origin } from './items.ts';

export interface DecodeStage {
  readonly context: DecodeContext;
  readonly identity: RecordIdentity;
}

/**
 * Appends the events of one Kinesis record to `items`: at least one, each with a subsequence number of its own.
 * @param recordIndex index of the record in its batch
 * @returns the bytes that they hold on to: the record's, and what those were decompressed to
 */
export function decode(stage: DecodeStage, record: StreamRecord, recordIndex: number, items: Item[]): number {
  const origin = originOf(stage, record, recordIndex);
  const events: DecodeOutcome[] = [];
  const bytes = decodeRecordInto(record.data, stage.context, events);
  for (const event of events) {
    items.push(
      event.kind === 'event'
        ? { state: 'decoded', origin, event }
        : { state: 'failed', origin, event, failure: event.failure },
    );
  }
  return bytes;
}

export function originOf(stage: DecodeStage, record: StreamRecord, recordIndex: number): Origin {
  const { shardId, sequenceNumber, arrivedAtMs } = record;
  const recordIds = stage.identity.forRecord(shardId, sequenceNumber);
  return {
    recordIndex,
    shardId,
    sequenceNumber,
    arrivedAtMs,
    recordIds,
    fingerprint: recordIds.first32(0),
    generation: 0,
  };
}
