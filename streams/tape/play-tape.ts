/**
 * Plays the tape of one shard: every position once, in order, whatever objects overlap. A batch that was tried again with
 * other boundaries is on the tape twice in part; the first object that has a position gives it.
 *
 * Only objects that overlap where the tape stands are held: each at most a Lambda event, 6 MB, and rarely more than two.
 */
import { compareSequence, padSequence, type StreamRecord } from '../position.ts';
import { compareTapeSpans, parseTapeKey, type TapeSpan } from './tape-key.ts';
import { decodeTape } from './tape-object.ts';

/** An object of the shard, read when its turn has come. */
export interface TapeObject {
  readonly key: string;
  /** Its bytes, as they are stored. */
  read(): Promise<Uint8Array>;
}

/** Two objects that should hold the same record, and do not. */
export interface TapeConflict {
  /** `differs`: they hold other records for the position. `missing`: the other one spans it, and does not hold it. */
  readonly kind: 'differs' | 'missing';
  readonly shardId: string;
  /** Sequence number, padded. */
  readonly position: string;
  /** Keys of the object whose record is given, and of the other one. */
  readonly given: string;
  readonly other: string;
}

export interface PlayTapeOptions {
  /** Default: throws. Where it returns, the tape goes on with the record of `given`. */
  readonly onConflict?: (conflict: TapeConflict) => void;
}

/** Objects that may be open at once, since they overlap; more is no retry. */
const OPEN_MAX = 64;

interface Open {
  readonly key: string;
  readonly records: readonly StreamRecord[];
  at: number;
  /** Of the record at `at`, padded. */
  position: string;
}

/**
 * @param objects of one shard, in the order of `compareTapeSpans`, as a listing of the shard gives them hour by hour
 * @throws Error when an object is no tape object, damaged, of another shard, or out of order; when objects overlap too
 *   often; and, unless `onConflict` is given, when two of them disagree
 */
export async function* playTape(
  objects: AsyncIterable<TapeObject> | Iterable<TapeObject>,
  { onConflict = refuse }: PlayTapeOptions = {},
): AsyncGenerator<StreamRecord, void, undefined> {
  let open: Open[] = [];
  let lowest: Open | undefined;
  for await (const { object, span } of inOrder(objects)) {
    // What begins behind the lowest record can neither hold it nor one before it.
    while (lowest && compareSequence(lowest.position, span.first) < 0) {
      yield take(lowest, open, onConflict);
      open = open.filter(({ at, records }) => at < records.length);
      lowest = lowestOf(open);
    }
    open.push(await openObject(object, span));
    if (open.length > OPEN_MAX) throw new Error(`the tape: more than ${OPEN_MAX} objects overlap at ${object.key}`);
    lowest = lowestOf(open);
  }
  while (lowest) {
    yield take(lowest, open, onConflict);
    open = open.filter(({ at, records }) => at < records.length);
    lowest = lowestOf(open);
  }
}

async function* inOrder(objects: AsyncIterable<TapeObject> | Iterable<TapeObject>) {
  let before: TapeSpan | undefined;
  for await (const object of objects) {
    const span = parseTapeKey(object.key);
    if (span === undefined) throw new Error(`the tape: ${object.key} is no key of a tape object`);
    if (before !== undefined) {
      if (shardOf(before) !== shardOf(span)) throw new Error(`the tape of ${shardOf(before)}: received ${object.key}`);
      if (compareTapeSpans(before, span) > 0)
        throw new Error(`the tape: ${object.key} begins before the one before it`);
    }
    before = span;
    yield { object, span };
  }
}

const shardOf = ({ streamName, createdAtMs, shardId }: TapeSpan): string => `${streamName}/${createdAtMs}/${shardId}`;

async function openObject(object: TapeObject, span: TapeSpan): Promise<Open> {
  const { key } = object;
  const bytes = await object.read();
  try {
    return { key, records: decodeTape(bytes, span.shardId, span), at: 0, position: span.first };
  } catch (error) {
    throw new Error(`${key}: ${Error.isError(error) ? error.message : String(error)}`, { cause: error });
  }
}

/** The record that `lowest` stands at; every object that holds it moves on. */
function take(lowest: Open, open: readonly Open[], onConflict: (conflict: TapeConflict) => void): StreamRecord {
  const { position, key: given } = lowest;
  const record = recordAt(lowest);
  for (const each of open) {
    const isHolder = each.position === position;
    // It has given an earlier one and has later ones, so it spans this one.
    if (!isHolder && each.at > 0) conflict('missing', each);
    if (!isHolder) continue;
    if (!isSame(recordAt(each), record)) conflict('differs', each);
    each.at += 1;
    each.position = padSequence(each.records[each.at]?.sequenceNumber ?? '');
  }
  return record;

  function conflict(kind: TapeConflict['kind'], other: Open): void {
    onConflict({ kind, shardId: record.shardId, position, given, other: other.key });
  }
}

function recordAt({ key, records, at }: Open): StreamRecord {
  const record = records[at];
  if (record === undefined) throw new Error(`the tape: ${key} has no record ${at}`);
  return record;
}

function isSame(a: StreamRecord, b: StreamRecord): boolean {
  return a === b || (a.data.equals(b.data) && a.partitionKey === b.partitionKey && a.arrivedAtMs === b.arrivedAtMs);
}

function lowestOf(open: readonly Open[]): Open | undefined {
  let lowest: Open | undefined;
  for (const each of open) if (!lowest || compareSequence(each.position, lowest.position) < 0) lowest = each;
  return lowest;
}

function refuse({ kind, position, given, other }: TapeConflict): never {
  const how = kind === 'differs' ? 'holds another record' : 'does not hold the record';
  throw new Error(`the tape: at ${position}, ${other} ${how} that ${given} holds`);
}
