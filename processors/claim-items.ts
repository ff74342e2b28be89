/**
 * What may be processed once is claimed first; what another has the claim on is a duplicate.
 *
 * A record that is played again is claimed by the Kinesis record that carries it: redrive may put it twice.
 * A chunk of a bounded source is claimed by the Kinesis record that carries it, before anything of it is judged: put
 * twice, none of it counts twice, its bad events neither. One of a run is claimed for the run first: a copy that is
 * refused there is of no run, which has its places already (docs/decisions/0017-runs-count-places-once.md). An event of
 * a dataset that deduplicates by event is claimed once it is to be delivered: one that is quarantined leaves its
 * identity to a better one. Both are owned by where the record first stood, so that it passes when it is played again,
 * and nobody else's claim is taken over.
 */
import { hash } from 'node:crypto';
import { isRunId } from '../streams/envelope.ts';
import { formatPosition } from '../streams/position.ts';
import type { Claim, ClaimsPort } from './ports.ts';
import type { Decoded, Failed, Item, Origin, Scored } from './stages/items.ts';

/** The claims of some items, by subject. */
interface Wanted<Held extends Item> {
  readonly claims: readonly Claim[];
  /** Items by index of their claim. */
  readonly items: readonly (readonly Held[])[];
}

/** Whether any of them is played again. */
export function haveReplays(items: readonly Item[]): boolean {
  return items.some(isReplayed);
}

/** A record that is played again counts once, however often its frame was put on the stream. */
export function claimReplays(items: readonly Item[], port: ClaimsPort): Promise<readonly Item[]> {
  const wanted = group(items.filter(isReplayed), ({ origin }) =>
    replayClaim(origin, origin.replay?.carriedAt ?? '', origin.replay?.generation ?? 0),
  );
  return withoutHeld(items, wanted, port, duplicateOfNoRun);
}

/**
 * @param place where the record first stood
 * @param carriedAt position of the Kinesis record that carries its frame
 */
export function replayClaim(
  { shardId, sequenceNumber }: { readonly shardId: string; readonly sequenceNumber: string },
  carriedAt: string,
  generation: number,
): Claim {
  return { subject: `replay#${formatPosition(shardId, sequenceNumber, 0)}`, owner: carriedAt, generation };
}

/** Whether any of them has a chunk: most have none, and nothing is to be waited for. */
export function haveChunks(items: readonly Item[]): boolean {
  return items.some(isOfChunk);
}

export async function claimChunks(items: readonly Item[], port: ClaimsPort): Promise<readonly Item[]> {
  const ofRuns = group(items.filter(isOfChunkOfRun), ({ event, origin }) => ({
    subject: runChunkSubject(event.runId ?? '', event.source, event.chunkId ?? ''),
    owner: ownerAt(origin),
    generation: 0,
  }));
  const left = ofRuns.claims.length === 0 ? items : await withoutHeld(items, ofRuns, port, duplicateOfNoRun);
  const wanted = group(left.filter(isOfChunk), ({ event, origin }) => ({
    subject: `chunk#${hash('sha256', `${event.source}\n${event.chunkId}`)}`,
    owner: ownerAt(origin),
    generation: 0,
  }));
  return wanted.claims.length === 0 ? left : withoutHeld(left, wanted, port);
}

/** What is claimed of a chunk for its run. @param source undefined where it could not be read */
export function runChunkSubject(runId: string, source: string | undefined, chunkId: string): string {
  return `run#${hash('sha256', JSON.stringify([runId, source, chunkId]))}`;
}

/** Whether any of them is to be delivered once by its `_event_id`. */
export function haveEventClaims(items: readonly Item[]): boolean {
  return items.some(isClaimedByEvent);
}

export function claimEvents(items: readonly Item[], port: ClaimsPort): Promise<readonly Item[]> {
  const wanted = group(items.filter(isClaimedByEvent), ({ transformed: { event, origin, id } }) => ({
    subject: `event#${event.dataset.name}#${hash('sha256', `${event.source}\n${id}`)}`,
    owner: formatPosition(origin.shardId, origin.sequenceNumber, event.subsequenceNumber),
    generation: 0,
  }));
  return withoutHeld(items, wanted, port);
}

function isReplayed(item: Item): item is Decoded | Failed {
  return (item.state === 'decoded' || item.state === 'failed') && item.origin.replay !== undefined;
}

function isOfChunk(item: Item): item is Decoded | Failed {
  return (item.state === 'decoded' || item.state === 'failed') && item.event.chunkId !== undefined;
}

function isOfChunkOfRun(item: Item): item is Decoded | Failed {
  return isOfChunk(item) && isRunId(item.event.runId);
}

function ownerAt({ shardId, sequenceNumber }: Origin): string {
  return formatPosition(shardId, sequenceNumber, 0);
}

function isClaimedByEvent(item: Item): item is Scored {
  return item.state === 'scored' && item.transformed.event.dataset.definition.deduplicate === 'event';
}

function group<Held extends Item>(items: readonly Held[], claimOf: (item: Held) => Claim): Wanted<Held> {
  const claims: Claim[] = [];
  const held: Held[][] = [];
  const known = new Map<string, number>();
  for (const item of items) {
    const claim = claimOf(item);
    const key = `${claim.subject} ${claim.owner}`;
    const index = known.get(key) ?? claims.push(claim) - 1;
    known.set(key, index);
    held[index] = [...(held[index] ?? []), item];
  }
  return { claims, items: held };
}

async function withoutHeld<Held extends Item>(
  items: readonly Item[],
  wanted: Wanted<Held>,
  port: ClaimsPort,
  become: (item: Item) => Item = duplicateOf,
): Promise<readonly Item[]> {
  const refused = await port.claim(wanted.claims);
  if (refused.size === 0) return items;
  const duplicates = new Set<Item>([...refused].flatMap((index) => wanted.items[index] ?? []));
  return items.map((item) => (duplicates.has(item) ? become(item) : item));
}

function originOf(item: Item) {
  return item.state === 'scored' ? item.transformed.origin : item.origin;
}

function duplicateOf(item: Item): Item {
  const { event } = item.state === 'scored' ? item.transformed : item;
  return { state: 'duplicate', origin: originOf(item), event };
}

/** Its run has counted its place, or will, by the copy that has the claim. */
function duplicateOfNoRun(item: Item): Item {
  const { event } = item.state === 'scored' ? item.transformed : item;
  return { state: 'duplicate', origin: originOf(item), event: { ...event, runId: undefined } };
}
