/** What was given up of a run, and was not processed after all. */
import {
  beginningWith,
  claimKey,
  journalPartition,
  runPartition,
  type StreamRef,
} from '../../processors/books/keys.ts';
import { numberOf, type StateItem, type StateTablePort, textOf } from '../../processors/books/state-table.ts';

/** Entries that are looked up at once. */
const ENTRIES_AT_ONCE = 25;

/**
 * Read after the ledger: what was folded by then is known here to be processed.
 * @param stream whose journal says of what was committed and given up all the same. Where it is given, entries that were
 *   processed are marked so: the claims that tell it do not last. Default: claims alone tell
 * @returns records that are parked: of copies of a chunk, one counts
 * @throws StateUnavailable
 */
export async function readParked(table: StateTablePort, runId: string, stream?: StreamRef): Promise<number> {
  const items = await table.query(runPartition(runId), beginningWith('parked#'));
  const waiting = items.filter(({ attributes }) => attributes.taken !== true);
  const byChunk = new Map<string, number>();
  for (let at = 0; at < waiting.length; at += ENTRIES_AT_ONCE) {
    await Promise.all(
      waiting.slice(at, at + ENTRIES_AT_ONCE).map(async (item) => {
        if (await isProcessed(table, item, stream)) {
          if (stream) await table.update({ kind: 'update', key: { pk: item.pk, sk: item.sk }, set: { taken: true } });
          return;
        }
        const { chunk } = item.attributes;
        byChunk.set(typeof chunk === 'string' ? chunk : textOf(item, 'position'), numberOf(item, 'events'));
      }),
    );
  }
  return [...byChunk.values()].reduce((sum, events) => sum + events, 0);
}

async function isProcessed(table: StateTablePort, item: StateItem, stream: StreamRef | undefined): Promise<boolean> {
  const [position, carriedAt, generation] = [
    textOf(item, 'position'),
    textOf(item, 'carried_at'),
    numberOf(item, 'generation'),
  ];
  const { chunk } = item.attributes;
  const held = typeof chunk === 'string' ? await table.get(claimKey(chunk)) : undefined;
  // An attempt that was given up may have had the claim: then it is its own.
  if (held !== undefined && held.attributes.owner !== position) return true;
  const replay = await table.get(claimKey(`replay#${position}`));
  if (replay !== undefined) {
    const played = numberOf(replay, 'generation');
    if (played > generation || (played === generation && replay.attributes.owner !== carriedAt)) return true;
  }
  return stream !== undefined && textOf(item, 'stream_arn') === stream.streamArn && isSpanned(table, carriedAt, stream);
}

async function isSpanned(table: StateTablePort, carriedAt: string, stream: StreamRef): Promise<boolean> {
  const [shardId = '', sequence = ''] = carriedAt.split(':');
  const [entry] = await table.query(journalPartition({ ...stream, shardId }), { from: sequence, limit: 1 });
  return entry !== undefined && textOf(entry, 'from') <= sequence;
}
