/** Batches that Lambda gave up, as the books have them: places on a shard that stand outside the equation. */
import { PARKED } from '../../processors/books/keys.ts';
import { numberOf, type StateItem, type StateTablePort, textOf } from '../../processors/books/state-table.ts';

export interface ParkedRange {
  /** Of the on-failure document in the archive bucket. */
  readonly key: string;
  readonly streamArn: string;
  readonly shardId: string;
  /** First and last sequence number, padded. */
  readonly from: string;
  readonly to: string;
  readonly records: number;
  /** `parked`, or how far its redrive is; `tape_parked` when the tape gave it up, and not the processor. */
  readonly status: string;
  /** Whether the document has the records themselves. */
  readonly hasPayload: boolean;
}

export const TAPE_PARKED = 'tape_parked';

/** @throws StateUnavailable; TypeError when an item is no parked batch */
export async function readParkedRanges(table: StateTablePort): Promise<readonly ParkedRange[]> {
  return (await table.query(PARKED)).map(readParkedRange);
}

export function readParkedRange(item: StateItem): ParkedRange {
  return {
    key: item.sk,
    streamArn: textOf(item, 'stream_arn'),
    shardId: textOf(item, 'shard'),
    from: textOf(item, 'from'),
    to: textOf(item, 'to'),
    records: numberOf(item, 'records'),
    status: textOf(item, 'status'),
    hasPayload: item.attributes.payload === true,
  };
}

export function covers({ from, to }: Pick<ParkedRange, 'from' | 'to'>, position: string): boolean {
  return from <= position && position <= to;
}
