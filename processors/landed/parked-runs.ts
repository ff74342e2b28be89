/**
 * What Lambda gave up of runs: each chunk of a run in an on-failure document is entered for the run, so that it is known where
 * its records are. Records that belong to no chunk are entered by where they stood.
 */
import { hash } from 'node:crypto';
import { datasets } from '../../schemas/index.ts';
import { createDecodeContext } from '../../streams/codecs/decode-context.ts';
import { isRunId } from '../../streams/envelope.ts';
import { createRecordIdentity, formatPosition, type StreamRecord } from '../../streams/position.ts';
import { runParkedKey } from '../books/keys.ts';
import { ConditionFailed, type StatePut, type StateTablePort } from '../books/state-table.ts';
import { runChunkSubject } from '../claim-items.ts';
import { streamNameOf } from '../read-kinesis-event.ts';
import { decode } from '../stages/decode.ts';
import type { Item, Origin } from '../stages/items.ts';

/** Entries of one document: a batch has 10,000 records at most, and each is of one run, or was made to be a nuisance. */
export const ENTRIES_MAX = 10_000;

/** Entries that are put at once, of the 100 writes that a transaction takes. */
const ENTRIES_PER_TRANSACTION = 50;

/** The envelope tells run and chunk, whatever the dataset: those that are known here, and the first of them for plain JSON. */
const CONTEXT = createDecodeContext({
  datasets: datasets.values(),
  defaultDataset: [...datasets.keys()][0] ?? '',
  defaultSource: '/parked',
});

export interface ParkedRecords {
  /** Key of the document. */
  readonly document: string;
  readonly streamArn: string;
  readonly records: readonly StreamRecord[];
}

/** Entered again, it changes nothing. @throws StateUnavailable */
export async function enterParkedRuns(table: StateTablePort, parked: ParkedRecords): Promise<void> {
  const puts = parkedPuts(parked);
  for (let at = 0; at < puts.length; at += ENTRIES_PER_TRANSACTION) {
    await putNew(table, puts.slice(at, at + ENTRIES_PER_TRANSACTION));
  }
}

async function putNew(table: StateTablePort, puts: readonly StatePut[]): Promise<void> {
  for (let left = puts; left.length > 0; ) {
    try {
      return await table.transact(left);
    } catch (error) {
      if (!(error instanceof ConditionFailed)) throw error;
      left = left.filter((_, index) => !error.failed.has(index));
    }
  }
}

/** Events of one Kinesis record that are of one chunk of one run, or of none. */
interface ParkedPart {
  readonly runId: string;
  /** Subject of its claim for the run; undefined: it is of no chunk. */
  readonly chunk: string | undefined;
  events: number;
}

function parkedPuts({ document, streamArn, records }: ParkedRecords): readonly StatePut[] {
  const stage = { context: CONTEXT, identity: createRecordIdentity(streamNameOf(streamArn)) };
  const puts: StatePut[] = [];
  for (const [index, record] of records.entries()) {
    const items: Item[] = [];
    decode(stage, record, index, items);
    const origin = originOf(items[0]);
    if (origin === undefined) continue;
    const carriedAt = formatPosition(record.shardId, record.sequenceNumber, 0);
    for (const { runId, chunk, events } of partsOf(items)) {
      if (puts.length >= ENTRIES_MAX) return puts;
      puts.push({
        kind: 'put',
        // By the record that carries it: a copy of the chunk, or its replay, may be given up as well.
        key: runParkedKey(runId, hash('sha256', `${chunk ?? ''}\n${carriedAt}`)),
        when: 'new',
        attributes: {
          events,
          document,
          stream_arn: streamArn,
          position: formatPosition(origin.shardId, origin.sequenceNumber, 0),
          carried_at: carriedAt,
          generation: origin.replay?.generation ?? 0,
          ...(chunk !== undefined && { chunk }),
        },
      });
    }
  }
  return puts;
}

function partsOf(items: readonly Item[]): Iterable<ParkedPart> {
  const parts = new Map<string, ParkedPart>();
  for (const item of items) {
    const { runId, source, chunkId } = item.state === 'scored' ? item.transformed.event : item.event;
    if (!isRunId(runId)) continue;
    const chunk = chunkId === undefined ? undefined : runChunkSubject(runId, source, chunkId);
    const key = chunk ?? runId;
    const part = parts.get(key) ?? { runId, chunk, events: 0 };
    parts.set(key, part);
    part.events += 1;
  }
  return parts.values();
}

function originOf(item: Item | undefined): Origin | undefined {
  if (item === undefined) return undefined;
  return item.state === 'scored' ? item.transformed.origin : item.origin;
}
