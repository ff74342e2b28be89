/** First stage: a Kinesis record becomes its events. */
import type { DecodeContext } from '../../streams/codecs/decode-context.ts';
import { decodeRecordInto } from '../../streams/codecs/decode-record.ts';
import type { DecodeOutcome } from '../../streams/codecs/outcomes.ts';
import { formatPosition, type RecordIdentity, type StreamRecord } from '../../streams/position.ts';
import { isReplayFrame, readReplayFrame } from '../../streams/replay-frame.ts';
import type { Item, Origin } from './items.ts';
import { undecodable } from './undecodable.ts';

export interface DecodeStage {
  readonly context: DecodeContext;
  readonly identity: RecordIdentity;
}

/** A record as it first came, whether it came now or is played again. */
export interface FirstCome {
  readonly origin: Origin;
  readonly data: Buffer;
  /** What is wrong with the frame that it is played again in. */
  readonly fault?: string;
}

/**
 * Appends the events of one Kinesis record to `items`: at least one, each with a subsequence number of its own.
 * @param recordIndex index of the record in its batch
 * @returns the bytes that they hold on to: the record's, and what those were decompressed to
 */
export function decode(stage: DecodeStage, record: StreamRecord, recordIndex: number, items: Item[]): number {
  const { origin, data, fault } = unframe(stage, record, recordIndex);
  if (fault !== undefined) {
    const expected = 'a replay frame that this version wrote';
    items.push(undecodable(origin, data, { code: 'INVALID_REPLAY_FRAME', expected, received: fault }));
    return data.length;
  }
  const events: DecodeOutcome[] = [];
  const bytes = decodeRecordInto(data, stage.context, events);
  for (const event of events) {
    items.push(
      event.kind === 'event'
        ? { state: 'decoded', origin, event }
        : { state: 'failed', origin, event, failure: event.failure },
    );
  }
  return bytes;
}

/** Takes a record out of the frame that it is played again in, with the identity of where it first stood. */
export function unframe(stage: DecodeStage, record: StreamRecord, recordIndex: number): FirstCome {
  const { shardId, sequenceNumber, arrivedAtMs, data } = record;
  const recordIds = stage.identity.forRecord(shardId, sequenceNumber);
  const fingerprint = recordIds.first32(0);
  const come = { recordIndex, fingerprint, replay: undefined, shardId, sequenceNumber, arrivedAtMs, recordIds };
  if (!isReplayFrame(data)) return { origin: come, data };
  const frame = readReplayFrame(data);
  if (typeof frame === 'string') return { origin: come, data, fault: frame };
  const origin = {
    recordIndex,
    fingerprint,
    replay: { carriedAt: formatPosition(shardId, sequenceNumber, 0), generation: frame.generation },
    shardId: frame.shardId,
    sequenceNumber: frame.sequenceNumber,
    arrivedAtMs: frame.arrivedAtMs,
    recordIds: stage.identity.forRecord(frame.shardId, frame.sequenceNumber),
  };
  return { origin, data: frame.data };
}
