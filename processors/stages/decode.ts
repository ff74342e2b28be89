/** First stage: a Kinesis record becomes its events. */
import type { DecodeContext } from '../../streams/codecs/decode-context.ts';
import { decodeRecord } from '../../streams/codecs/decode-record.ts';
import type { RecordIdentity, StreamRecord } from '../../streams/position.ts';
import type { Item, Origin } from './items.ts';

export interface DecodeStage {
  readonly context: DecodeContext;
  readonly identity: RecordIdentity;
}

/**
 * Appends the events of one Kinesis record to `items`: at least one, each with a subsequence number of its own.
 * @param recordIndex index of the record in its batch
 */
export function decode(stage: DecodeStage, record: StreamRecord, recordIndex: number, items: Item[]): void {
  const origin: Origin = {
    recordIndex,
    shardId: record.shardId,
    sequenceNumber: record.sequenceNumber,
    arrivedAtMs: record.arrivedAtMs,
    recordIdOf: stage.identity.forRecord(record.shardId, record.sequenceNumber),
  };
  for (const event of decodeRecord(record.data, stage.context)) {
    items.push(
      event.kind === 'event'
        ? { state: 'decoded', origin, event }
        : { state: 'failed', origin, event, failure: event.failure },
    );
  }
}
