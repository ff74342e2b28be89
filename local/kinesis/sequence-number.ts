/**
 * Sequence numbers: 56 decimal digits, as long as those of AWS and like them neither contiguous nor fit for a JavaScript
 * number. They rise in a shard with every record, and a shard that is made later begins above all earlier ones.
 *
 * `49` | second the shard was made (10) | shard (7) | count of the record in its shard (16) | second of arrival (10) | shard (10) | `2`
 */

/** What the numbers of one shard have in common. */
export interface SequenceSpace {
  /** `shardId-000000000003` has index 3. */
  readonly shardIndex: number;
  readonly madeAtMs: number;
}

const HEAD_DIGITS = 19;
const COUNT_DIGITS = 16;
const SEQUENCE_DIGITS = 56;

const digits = (value: number, length: number): string => String(value).padStart(length, '0');

function headOf(space: SequenceSpace): string {
  return `49${digits(Math.floor(space.madeAtMs / 1000), 10)}${digits(space.shardIndex, 7)}`;
}

/**
 * Numbers of one shard. Positions count its records from 0.
 */
export interface SequenceNumbers {
  /** Below the number of every record: `StartingSequenceNumber` of the shard. */
  readonly starting: string;
  /** Above the number of every record: `EndingSequenceNumber` of the shard once it is closed. */
  readonly ending: (closedAtMs: number) => string;
  readonly at: (position: number, arrivedAtMs: number) => string;
  /**
   * Position of the record that a number names, -1 for `starting`, behind every record for `ending`; undefined when it is not
   * of this shard.
   */
  readonly positionOf: (sequenceNumber: string) => number | undefined;
  /** Position of the first record after any number, of this shard or not. */
  readonly positionAfter: (sequenceNumber: string) => number;
}

export function sequenceNumbers(space: SequenceSpace): SequenceNumbers {
  const head = headOf(space);
  const tail = `${digits(space.shardIndex, 10)}2`;
  const at = (position: number, arrivedAtMs: number): string =>
    head + digits(position + 1, COUNT_DIGITS) + digits(Math.floor(arrivedAtMs / 1000), 10) + tail;

  function positionOf(sequenceNumber: string): number | undefined {
    if (sequenceNumber.length !== SEQUENCE_DIGITS || !sequenceNumber.startsWith(head)) return undefined;
    const count = Number(sequenceNumber.slice(HEAD_DIGITS, HEAD_DIGITS + COUNT_DIGITS));
    return Number.isSafeInteger(count) && count >= 0 ? count - 1 : undefined;
  }

  return {
    starting: at(-1, space.madeAtMs),
    ending: (closedAtMs) => at(Number.MAX_SAFE_INTEGER - 1, closedAtMs),
    at,
    positionOf,
    positionAfter(sequenceNumber) {
      const position = positionOf(sequenceNumber);
      if (position !== undefined) return position + 1;
      const isBelow = sequenceNumber.padStart(SEQUENCE_DIGITS, '0') < head.padEnd(SEQUENCE_DIGITS, '0');
      return sequenceNumber.length <= SEQUENCE_DIGITS && isBelow ? 0 : Number.MAX_SAFE_INTEGER;
    },
  };
}
