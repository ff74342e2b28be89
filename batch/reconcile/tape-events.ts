/**
 * The events of a record of the tape, as the processor's own code judges them: decode and the pure stages, so that what is
 * missing at rest can be named. Claims are only looked at; none is made.
 */

import type { Outcome } from '../../processors/books/journal-entry.ts';
import { claimKey } from '../../processors/books/keys.ts';
import { numberOf, type StateItem, type StateTablePort } from '../../processors/books/state-table.ts';
import { claimChunks, claimEvents, claimReplays } from '../../processors/claim-items.ts';
import type { Claim, ClaimsPort } from '../../processors/ports.ts';
import { type DecodeStage, decode } from '../../processors/stages/decode.ts';
import type { Item, Origin } from '../../processors/stages/items.ts';
import { FAILED_EVENTS } from '../../processors/stages/route.ts';
import { score } from '../../processors/stages/score.ts';
import { transform } from '../../processors/stages/transform.ts';
import { validate } from '../../processors/stages/validate.ts';
import type { Dataset } from '../../schemas/dataset.ts';
import type { Failure } from '../../schemas/failure.ts';
import { formatHour } from '../../schemas/timestamp.ts';
import { createDecodeContext } from '../../streams/codecs/decode-context.ts';
import { createEventIdentity, type EventIdentity } from '../../streams/event-id.ts';
import { createRecordIdentity, formatPosition, type StreamRecord } from '../../streams/position.ts';
import { ANY_PARTITION, type TablePlace } from './book-sums.ts';

export interface TapeEvent {
  readonly recordId: string;
  /** First 8 hex digits of it. */
  readonly fingerprint: number;
  /** Of where it first stood, when it is played again. */
  readonly position: string;
  /** Sequence number, padded, of the Kinesis record that carries it. */
  readonly carriedAt: string;
  /** `_event_id`; undefined where the event has none: it has failed or was dropped before. */
  readonly eventId: string | undefined;
  readonly dataset: string | undefined;
  readonly runId: string;
  /** Of arrival: `2026-11-25T07`, UTC. */
  readonly hour: string;
  readonly outcome: Outcome;
  /** Where its row is; undefined for what has none. */
  readonly place: TablePlace | undefined;
  readonly failure: Failure | undefined;
  /** Why it was dropped. */
  readonly reason: string | undefined;
  /** Of a duplicate: the position that holds the claim. */
  readonly heldBy: string | undefined;
}

export interface TapeJudgeOptions {
  readonly datasets: Iterable<Dataset>;
  readonly defaultDataset: string;
  readonly streamName: string;
  /** 0 to 1: the deployed one, which an attempt of old may not have had. */
  readonly qualityThreshold: number;
  readonly table: StateTablePort;
}

/** @param withClaims whether to look who holds the claims: a read of the state table each. Default: false */
export type JudgeTape = (records: readonly StreamRecord[], withClaims?: boolean) => Promise<readonly TapeEvent[]>;

const UUID_CHARACTERS = 36;
/** Made once: making it compiles code, which takes longer than a judgement. */
let eventIdentity: EventIdentity | undefined;

export function createTapeJudge(options: TapeJudgeOptions): JudgeTape {
  const { streamName, qualityThreshold, table } = options;
  const stage: DecodeStage = {
    context: createDecodeContext({
      datasets: options.datasets,
      defaultDataset: options.defaultDataset,
      defaultSource: `/streams/${streamName}`,
    }),
    identity: createRecordIdentity(streamName),
  };
  function eventIdOf(item: Item): string | undefined {
    if (item.state !== 'scored') return undefined;
    const { event, id } = item.transformed;
    const text = Buffer.alloc(UUID_CHARACTERS);
    eventIdentity ??= createEventIdentity();
    eventIdentity.write(event.source, id, text, 0);
    return text.toString('latin1');
  }

  return async (records, withClaims = false) => {
    const decoded = records.flatMap((record, index) => {
      const ofRecord: Item[] = [];
      decode(stage, record, index, ofRecord);
      return ofRecord;
    });
    const claims = lookAtClaims(table);
    const events: TapeEvent[] = [];
    for (const item of decoded) {
      const free = withClaims ? await claims.over(item, claimReplays, claimChunks) : item;
      const judged = score(transform(validate(free)), qualityThreshold);
      const last = withClaims ? await claims.over(judged, claimEvents) : judged;
      events.push(tapeEventOf(last, eventIdOf(judged), claims.holder(), records));
    }
    return events;
  };
}

function tapeEventOf(
  item: Item,
  eventId: string | undefined,
  holder: string | undefined,
  records: readonly StreamRecord[],
): TapeEvent {
  const { origin, event } = item.state === 'scored' ? item.transformed : item;
  const { subsequenceNumber } = event;
  const dataset = typeof event.dataset === 'object' ? event.dataset.name : event.dataset;
  return {
    recordId: origin.recordIds.textOf(subsequenceNumber),
    fingerprint: origin.recordIds.first32(subsequenceNumber),
    position: formatPosition(origin.shardId, origin.sequenceNumber, subsequenceNumber),
    carriedAt: carrierOf(origin, records),
    eventId,
    dataset,
    runId: event.runId ?? '',
    hour: formatHour(origin.arrivedAtMs),
    outcome: outcomeOf(item),
    place: placeOfItem(item),
    failure: item.state === 'failed' ? item.failure : undefined,
    reason: item.state === 'dropped' ? item.reason : undefined,
    heldBy: item.state === 'duplicate' ? holder : undefined,
  };
}

function carrierOf({ recordIndex, sequenceNumber }: Origin, records: readonly StreamRecord[]): string {
  return records[recordIndex]?.sequenceNumber ?? sequenceNumber;
}

function outcomeOf(item: Item): Outcome {
  if (item.state === 'scored') return 'delivered';
  return item.state === 'dropped' || item.state === 'duplicate' ? item.state : 'quarantined';
}

function placeOfItem(item: Item): TablePlace | undefined {
  if (item.state === 'failed') return { table: FAILED_EVENTS, partition: ANY_PARTITION };
  if (item.state !== 'scored') return undefined;
  const { event, eventTimeMs } = item.transformed;
  const hour = formatHour(eventTimeMs);
  const partition = event.dataset.definition.partition === 'hour' ? hour : hour.slice(0, 10);
  return { table: event.dataset.name, partition };
}

type MakeClaim = (items: readonly Item[], port: ClaimsPort) => Promise<readonly Item[]>;

/** Says which claims another holds, as they are now; each is read once. */
function lookAtClaims(table: StateTablePort) {
  const known = new Map<string, StateItem | undefined>();
  let holder: string | undefined;

  async function holderOf({ subject, owner, generation }: Claim): Promise<string | undefined> {
    if (!known.has(subject)) known.set(subject, await table.get(claimKey(subject)));
    const item = known.get(subject);
    const isHeld = item && item.attributes.owner !== owner && numberOf(item, 'generation') >= generation;
    return isHeld ? String(item.attributes.owner) : undefined;
  }

  const port: ClaimsPort = {
    async claim(claims) {
      const refused = new Set<number>();
      for (const [index, claim] of claims.entries()) {
        const heldBy = await holderOf(claim);
        if (heldBy === undefined) continue;
        holder = heldBy;
        refused.add(index);
      }
      return refused;
    },
  };

  return {
    /** The item, or the duplicate that it is by one of the claims. */
    async over(item: Item, ...makes: readonly MakeClaim[]): Promise<Item> {
      let last = item;
      for (const make of makes) last = (await make([last], port))[0] ?? last;
      return last;
    },
    /** Of the claim that was found held last. */
    holder: () => holder,
  };
}
