/**
 * Plays the tape of one shard: every position once, in order, whatever objects overlap. A batch that was tried again with
 * other boundaries is on the tape twice in part; the first object that has a position gives it.
 */
import { padSequence, type StreamRecord } from '../position.ts';

/** An object of the shard, read when its turn has come. */
export interface TapeObject {
  /** Padded, as its name says. */
  readonly first: string;
  readonly last: string;
  read(): Promise<readonly StreamRecord[]>;
}

/** Objects that may be open at once, since they overlap; more is no retry. */
const OPEN_MAX = 64;

interface Open {
  readonly object: TapeObject;
  readonly records: readonly StreamRecord[];
  at: number;
}

/**
 * @param objects of one shard, in any order
 * @throws Error when two objects hold different bytes for one position, or overlap too often
 */
export async function* playTape(objects: readonly TapeObject[]): AsyncGenerator<StreamRecord> {
  const waiting = objects.toSorted((a, b) => (a.first < b.first ? -1 : a.first > b.first ? 1 : 0));
  let open: Open[] = [];
  let next = 0;
  let given = '';
  for (;;) {
    const lowest = lowestOf(open);
    const following = waiting[next];
    // An object that begins at or before the lowest record may hold it too, or one before it.
    if (following && (lowest === undefined || following.first <= padSequence(lowest.sequenceNumber))) {
      open.push({ object: following, records: await following.read(), at: 0 });
      next += 1;
      if (open.length > OPEN_MAX)
        throw new Error(`the tape: more than ${OPEN_MAX} objects overlap at ${following.first}`);
      continue;
    }
    if (lowest === undefined) return;
    const position = padSequence(lowest.sequenceNumber);
    for (const each of open) {
      const record = each.records[each.at];
      if (record === undefined || padSequence(record.sequenceNumber) !== position) continue;
      if (!record.data.equals(lowest.data)) throw new Error(`the tape: two objects differ at ${position}`);
      each.at += 1;
    }
    open = open.filter(({ at, records }) => at < records.length);
    if (position > given) yield lowest;
    given = position;
  }
}

function lowestOf(open: readonly Open[]): StreamRecord | undefined {
  let lowest: StreamRecord | undefined;
  for (const { records, at } of open) {
    const record = records[at];
    if (record && (!lowest || padSequence(record.sequenceNumber) < padSequence(lowest.sequenceNumber))) lowest = record;
  }
  return lowest;
}
