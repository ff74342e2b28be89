/**
 * A batch of one shard, from Kinesis records to an answer. RxJS composes chunks of events and calls to Firehose; no
 * observable and no promise is made for a single event.
 *
 * Guarantees: every event of a record before the answer's boundary is delivered, quarantined or dropped, and its
 * documents are accepted by Firehose. Delivery is never ahead of a failed one in the answer: the boundary is the lowest
 * record that is not done.
 */
import { concat, concatMap, defer, map, mergeMap, type Observable, of, reduce, takeWhile } from 'rxjs';
import type { StreamRecord } from '../streams/position.ts';
import { createPacker } from './pack.ts';
import type { ClockPort, DeliveryCall, DeliveryPort, KeptPayload, PayloadPort } from './ports.ts';
import { DeliveryError, PayloadError } from './ports.ts';
import { type DecodeStage, decode } from './stages/decode.ts';
import type { Item } from './stages/items.ts';
import { type Routed, type RouteStage, route } from './stages/route.ts';
import { score } from './stages/score.ts';
import { transform } from './stages/transform.ts';
import { validate } from './stages/validate.ts';
import { createTally, type Tally } from './tally.ts';

/** Events that go through the stages together: larger chunks fall out of the processor's cache and cost 10 to 20 %. */
export const CHUNK_EVENTS = 64;
/** Calls to Firehose under way at once. */
export const CALLS_IN_FLIGHT_MAX = 4;

export interface BatchPlan {
  readonly decode: DecodeStage;
  readonly route: RouteStage;
  readonly evaluatedAtMs: number;
  readonly qualityThreshold: number;
  /** No further record is taken after this moment, but for those of the chunk under way; epoch milliseconds. */
  readonly stopAtMs: number;
  /** Nothing is sent again after this moment, epoch milliseconds. */
  readonly deliverUntilMs: number;
}

export interface BatchPorts {
  readonly delivery: DeliveryPort;
  readonly payloads: PayloadPort;
  readonly clock: ClockPort;
}

/** Some consecutive Kinesis records of the batch. */
export interface RecordChunk {
  readonly records: readonly StreamRecord[];
  /** Index in the batch of the first of them. */
  readonly firstIndex: number;
}

export interface BatchResult {
  /** Index of the first record that is not done; the number of records when all are. */
  readonly done: number;
  readonly tally: Tally;
  /** Why records were left, when a port failed; its own words, without payload. */
  readonly reasons: readonly string[];
}

/** What a call came to: the lowest record it leaves undone, if any. */
interface Sent {
  readonly undone: number | undefined;
  readonly reason: string | undefined;
}

export function processBatch(
  chunks: Observable<RecordChunk>,
  recordCount: number,
  plan: BatchPlan,
  ports: BatchPorts,
): Observable<BatchResult> {
  return defer(() => {
    const tally = createTally(recordCount);
    const packer = createPacker();
    const progress = createProgress(recordCount, () => ports.clock.now() < plan.stopAtMs);
    const evaluate = (item: Item): Routed =>
      route(
        score(transform(validate(item, plan.evaluatedAtMs), plan.evaluatedAtMs), plan.qualityThreshold),
        plan.route,
      );

    const work = chunks.pipe(
      takeWhile(progress.goesOn),
      concatMap((chunk) => decodeChunk(chunk, plan.decode, progress)),
      map((items) => items.map(evaluate)),
      map((routed) => pack(routed, tally, packer.add)),
    );
    const rest = defer(() => of({ calls: packer.flush(), payloads: [] }));

    return concat(work, rest).pipe(
      concatMap(({ calls, payloads }) => [
        ...payloads.map((payload) => () => keep(payload, plan, ports)),
        ...calls.map((call) => () => send(call, plan, ports)),
      ]),
      mergeMap((sending) => sending(), CALLS_IN_FLIGHT_MAX),
      reduce((so, sent: Sent) => so.settle(sent), progress),
      map(({ done, reasons }) => ({ done, tally, reasons })),
    );
  });
}

/** How far a batch has come. */
interface Progress {
  /** Index of the first record that is not done, of those that were taken. */
  readonly done: number;
  readonly reasons: readonly string[];
  /** Whether another record is to be taken; false for good once it has been false, or records would be left out. */
  goesOn(): boolean;
  take(recordIndex: number): void;
  settle(sent: Sent): Progress;
}

function createProgress(recordCount: number, hasTime: () => boolean): Progress {
  const reasons: string[] = [];
  let taken = 0;
  let undone = recordCount;
  let stopped = false;
  const progress: Progress = {
    get done() {
      return Math.min(undone, taken);
    },
    reasons,
    goesOn() {
      stopped ||= undone < recordCount || !hasTime();
      return !stopped;
    },
    take(recordIndex) {
      taken = recordIndex + 1;
    },
    settle(sent) {
      undone = Math.min(undone, sent.undone ?? recordCount);
      if (sent.reason !== undefined) reasons.push(sent.reason);
      return progress;
    },
  };
  return progress;
}

/** Events of some records, `CHUNK_EVENTS` at a time: what follows is decoded only when those before are packed. */
function* decodeChunk({ records, firstIndex }: RecordChunk, stage: DecodeStage, progress: Progress): Generator<Item[]> {
  let items: Item[] = [];
  for (const [offset, record] of records.entries()) {
    decode(stage, record, firstIndex + offset, items);
    progress.take(firstIndex + offset);
    if (items.length < CHUNK_EVENTS) continue;
    // One aggregate can hold thousands of events.
    let start = 0;
    for (; start + CHUNK_EVENTS <= items.length; start += CHUNK_EVENTS) yield items.slice(start, start + CHUNK_EVENTS);
    items = items.slice(start);
    if (!progress.goesOn()) break;
  }
  if (items.length > 0) yield items;
}

interface Packed {
  readonly calls: readonly DeliveryCall[];
  readonly payloads: readonly KeptPayload[];
}

const NOTHING_TO_SEND: Packed = { calls: [], payloads: [] };

function pack(
  chunk: readonly Routed[],
  tally: Tally,
  add: (document: Extract<Routed, { document: unknown }>['document']) => DeliveryCall | undefined,
): Packed {
  const calls: DeliveryCall[] = [];
  const payloads: KeptPayload[] = [];
  for (const routed of chunk) {
    tally.count(routed);
    if (routed.outcome === 'dropped') continue;
    if (routed.outcome === 'quarantined' && routed.payload) {
      payloads.push({ ...routed.payload, recordIndex: routed.document.recordIndex });
    }
    const full = add(routed.document);
    if (full) calls.push(full);
  }
  return calls.length === 0 && payloads.length === 0 ? NOTHING_TO_SEND : { calls, payloads };
}

async function send(call: DeliveryCall, plan: BatchPlan, ports: BatchPorts): Promise<Sent> {
  try {
    const rejected = await ports.delivery.deliver(call, plan.deliverUntilMs);
    if (rejected.length === 0) return { undone: undefined, reason: undefined };
    return {
      undone: lowest(rejected),
      reason: `${call.table}: ${rejected.length} Firehose records were not accepted in time`,
    };
  } catch (error) {
    if (!(error instanceof DeliveryError)) throw error;
    return { undone: lowest(call.records), reason: `${call.table}: ${error.message}` };
  }
}

async function keep(payload: KeptPayload, plan: BatchPlan, ports: BatchPorts): Promise<Sent> {
  try {
    await ports.payloads.keep(payload, plan.deliverUntilMs);
    return { undone: undefined, reason: undefined };
  } catch (error) {
    if (!(error instanceof PayloadError)) throw error;
    return { undone: payload.recordIndex, reason: error.message };
  }
}

function lowest(records: readonly { readonly recordIndexMin: number }[]): number {
  return records.reduce((least, record) => Math.min(least, record.recordIndexMin), Number.POSITIVE_INFINITY);
}
