/**
 * A batch of one shard, from Kinesis records to an answer. RxJS composes chunks of events and calls to Firehose; no
 * observable and no promise is made for a single event.
 *
 * Memory is bounded, whatever the records hold: the next chunk is decoded only while what is to be sent is less than
 * `BACKLOG_BYTES_MAX`, and a chunk holds `CHUNK_BYTES_MAX` and one record more at most.
 *
 * Guarantees: every event of a record before the answer's boundary is delivered, quarantined, dropped or a duplicate, and
 * its documents are accepted by Firehose. Delivery is never ahead of a failed one in the answer: the boundary is the
 * lowest record that is not done.
 */
import {
  catchError,
  concat,
  concatMap,
  defer,
  EMPTY,
  finalize,
  from,
  map,
  mergeMap,
  type Observable,
  of,
  reduce,
} from 'rxjs';
import type { StreamRecord } from '../streams/position.ts';
import { createBacklog } from './backlog.ts';
import { StateUnavailable } from './books/state-table.ts';
import { claimChunks, claimEvents, claimReplays, haveChunks, haveEventClaims, haveReplays } from './claim-items.ts';
import { paced } from './paced.ts';
import { CALL_BYTES_MAX, createPacker } from './pack.ts';
import type { ClaimsPort, ClockPort, DeliveryCall, DeliveryPort, KeptPayload, PayloadPort } from './ports.ts';
import { DeliveryError, PayloadError } from './ports.ts';
import type { Item } from './stages/items.ts';
import { type Document, type Routed, type RouteStage, route } from './stages/route.ts';
import { score } from './stages/score.ts';
import { transform } from './stages/transform.ts';
import { validate } from './stages/validate.ts';
import { createTally, type Tally } from './tally.ts';

/** Events that go through the stages together: larger chunks fall out of the processor's cache and cost 10 to 20 %. */
export const CHUNK_EVENTS = 64;
/**
 * Bytes of records from which on a chunk has no more of them, decompressed ones included: large events are held a few at
 * a time.
 */
export const CHUNK_BYTES_MAX = 1_024 * 1_024;
/** Calls to Firehose and S3 under way at once. */
export const CALLS_IN_FLIGHT_MAX = 4;
/** Bytes that wait for a call or are under way before decoding waits for them: twice what can be under way to Firehose. */
export const BACKLOG_BYTES_MAX = 2 * CALLS_IN_FLIGHT_MAX * CALL_BYTES_MAX;

/**
 * Appends the events of one Kinesis record to `items`, at least one.
 * @returns the bytes that they hold on to
 */
export type DecodeRecord = (record: StreamRecord, recordIndex: number, items: Item[]) => number;

export interface BatchPlan {
  readonly decode: DecodeRecord;
  readonly route: RouteStage;
  readonly qualityThreshold: number;
  /** Documents that a Firehose record holds at most. Default: as many as it de-aggregates. */
  readonly documentsPerRecordMax?: number | undefined;
  /** Leading records, by table, whose documents an earlier attempt had accepted: they are counted, and not sent again. */
  readonly acceptedByTable: ReadonlyMap<string, number>;
  /** No further record is taken after this moment, but for those of the chunk under way; epoch milliseconds. */
  readonly stopAtMs: number;
  /** Nothing is sent again after this moment, epoch milliseconds. */
  readonly deliverUntilMs: number;
}

export interface BatchPorts {
  readonly delivery: DeliveryPort;
  readonly payloads: PayloadPort;
  readonly claims: ClaimsPort;
  readonly clock: ClockPort;
}

export interface BatchResult {
  /** Index of the first record that is not done; the number of records when all are. */
  readonly done: number;
  /** Leading records, by table, whose documents are all accepted: `done` at least. Tables without documents are left out. */
  readonly acceptedByTable: ReadonlyMap<string, number>;
  readonly tally: Tally;
  /** Why records were left, when a port failed; its own words, without payload. */
  readonly reasons: readonly string[];
}

/** Large payloads of failed records, beside the tables: no dataset has such a name. */
export const FAILED_PAYLOADS = 'failed-payloads';

/** What a call came to: the lowest record it leaves undone, if any. */
interface Settled {
  readonly table: string;
  readonly undone: number | undefined;
  readonly reason: string | undefined;
}

/** A call to Firehose or S3 that is to be made. */
interface Sending {
  readonly bytes: number;
  readonly start: () => Promise<Settled>;
}

/** @returns one result; nothing is taken before it is subscribed to, and nothing more once it is unsubscribed from */
export function processBatch(
  records: readonly StreamRecord[],
  plan: BatchPlan,
  ports: BatchPorts,
): Observable<BatchResult> {
  return defer(() => {
    const tally = createTally(records.length);
    const packer = createPacker(plan.documentsPerRecordMax);
    const backlog = createBacklog(BACKLOG_BYTES_MAX);
    // Tables whose delivery stream could not be used: what else is for them is not tried again and again.
    const away = new Set<string>();
    const progress = createProgress(records.length, () => ports.clock.now() < plan.stopAtMs);
    const evaluate = (item: Item): Item => score(transform(validate(item)), plan.qualityThreshold);

    /** Claims when there is something to claim; otherwise nothing waits. What cannot be claimed is not done. */
    const claiming =
      (isNeeded: (items: readonly Item[]) => boolean, claim: typeof claimChunks) =>
      (items: readonly Item[]): Observable<readonly Item[]> => {
        // What comes behind a record that was left must not overtake it. What stands before it goes on: it is done.
        if (progress.isLeft(recordIndexOf(items[0]))) return EMPTY;
        if (!isNeeded(items)) return of(items);
        // Chunks go on being decoded meanwhile, and wait here: they count as what waits for a call.
        backlog.add(CHUNK_BYTES_MAX);
        return from(claim(items, ports.claims)).pipe(
          catchError((error: unknown) => {
            if (!(error instanceof StateUnavailable)) throw error;
            progress.leave(recordIndexOf(items[0]), error.message);
            return EMPTY;
          }),
          finalize(() => backlog.remove(CHUNK_BYTES_MAX)),
        );
      };

    const work = paced(decodeChunks(records, plan.decode, progress), backlog, ports.clock).pipe(
      concatMap(claiming(haveReplays, claimReplays)),
      concatMap(claiming(haveChunks, claimChunks)),
      map((items) => items.map(evaluate)),
      concatMap(claiming(haveEventClaims, claimEvents)),
      map((items) => items.map((item) => route(item, plan.route))),
      map((routed) => pack(routed, tally, packer.add, plan.acceptedByTable)),
    );
    const rest = defer(() => of({ calls: packer.flush(), payloads: [] }));

    return concat(work, rest).pipe(
      concatMap((packed) => {
        const sendings = sendingsOf(packed, plan, ports, away);
        for (const { bytes } of sendings) backlog.add(bytes);
        return sendings;
      }),
      mergeMap(({ start, bytes }) => from(start()).pipe(map((settled) => ({ settled, bytes }))), CALLS_IN_FLIGHT_MAX),
      reduce((so, { settled, bytes }) => {
        so.settle(settled);
        // Last, since it may set the work going again: a failure must be known by then.
        backlog.remove(bytes);
        return so;
      }, progress),
      map(({ done, acceptedByTable, reasons }) => ({ done, acceptedByTable, tally, reasons })),
    );
  });
}

/** How far a batch has come. */
interface Progress {
  /** Index of the first record that is not done, of those that were taken. */
  readonly done: number;
  readonly acceptedByTable: ReadonlyMap<string, number>;
  readonly reasons: readonly string[];
  /** Whether a record, or one before it, was left before it could be judged: it is not to be sent. */
  isLeft(recordIndex: number): boolean;
  /** Whether another record is to be taken. */
  goesOn(): boolean;
  take(recordIndex: number): void;
  settle(sent: Settled): void;
  /** Leaves a record and all after it. */
  leave(recordIndex: number, reason: string): void;
}

function createProgress(recordCount: number, hasTime: () => boolean): Progress {
  const reasons: string[] = [];
  const undoneByTable = new Map<string, number>();
  let taken = 0;
  let undone = recordCount;
  let left = recordCount;
  return {
    get done() {
      return Math.min(undone, taken);
    },
    get acceptedByTable() {
      return new Map([...undoneByTable].map(([table, index]) => [table, Math.min(index, taken, left)]));
    },
    reasons,
    isLeft: (recordIndex) => recordIndex >= left,
    goesOn() {
      return undone === recordCount && hasTime();
    },
    take(recordIndex) {
      taken = recordIndex + 1;
    },
    settle(sent) {
      const lowest = sent.undone ?? recordCount;
      undone = Math.min(undone, lowest);
      undoneByTable.set(sent.table, Math.min(undoneByTable.get(sent.table) ?? recordCount, lowest));
      if (sent.reason !== undefined) reasons.push(sent.reason);
    },
    leave(recordIndex, reason) {
      undone = Math.min(undone, recordIndex);
      left = Math.min(left, recordIndex);
      reasons.push(reason);
    },
  };
}

/** Events, `CHUNK_EVENTS` at a time or fewer: what follows is decoded only when those before are packed. */
function* decodeChunks(records: readonly StreamRecord[], decode: DecodeRecord, progress: Progress): Generator<Item[]> {
  if (!progress.goesOn()) return;
  let items: Item[] = [];
  let bytes = 0;
  for (let index = 0; index < records.length; index++) {
    const record = records[index];
    if (record === undefined) break;
    bytes += decode(record, index, items);
    progress.take(index);
    if (items.length < CHUNK_EVENTS && bytes < CHUNK_BYTES_MAX) continue;
    // One aggregate can hold thousands of events.
    let start = 0;
    for (; start + CHUNK_EVENTS <= items.length; start += CHUNK_EVENTS) yield items.slice(start, start + CHUNK_EVENTS);
    items = items.slice(start);
    if (bytes >= CHUNK_BYTES_MAX && items.length > 0) {
      yield items;
      items = [];
    }
    bytes = 0;
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
  add: (document: Document) => DeliveryCall | undefined,
  acceptedByTable: BatchPlan['acceptedByTable'],
): Packed {
  const calls: DeliveryCall[] = [];
  const payloads: KeptPayload[] = [];
  for (const routed of chunk) {
    tally.count(routed);
    if (!('document' in routed)) continue;
    const { table, recordIndex } = routed.document;
    const isAccepted = (name: string) => acceptedByTable.size > 0 && recordIndex < (acceptedByTable.get(name) ?? 0);
    if (routed.outcome === 'quarantined' && routed.payload && !isAccepted(FAILED_PAYLOADS)) {
      payloads.push({ ...routed.payload, recordIndex });
    }
    const full = isAccepted(table) ? undefined : add(routed.document);
    if (full) calls.push(full);
  }
  return calls.length === 0 && payloads.length === 0 ? NOTHING_TO_SEND : { calls, payloads };
}

function sendingsOf({ calls, payloads }: Packed, plan: BatchPlan, ports: BatchPorts, away: Set<string>): Sending[] {
  return [
    ...payloads.map((payload) => ({ bytes: payload.bytes.length, start: () => keep(payload, plan, ports) })),
    ...calls.map((call) => ({ bytes: bytesOf(call), start: () => send(call, plan, ports, away) })),
  ];
}

async function send(call: DeliveryCall, plan: BatchPlan, ports: BatchPorts, away: Set<string>): Promise<Settled> {
  if (away.has(call.table)) return { table: call.table, undone: lowest(call.records), reason: undefined };
  try {
    const rejected = await ports.delivery.deliver(call, plan.deliverUntilMs);
    if (rejected.length === 0) return { table: call.table, undone: undefined, reason: undefined };
    away.add(call.table);
    return {
      table: call.table,
      undone: lowest(rejected),
      reason: `${call.table}: ${rejected.length} Firehose records were not accepted in time`,
    };
  } catch (error) {
    if (!(error instanceof DeliveryError)) throw error;
    away.add(call.table);
    return { table: call.table, undone: lowest(call.records), reason: `${call.table}: ${error.message}` };
  }
}

async function keep(payload: KeptPayload, plan: BatchPlan, ports: BatchPorts): Promise<Settled> {
  try {
    await ports.payloads.keep(payload, plan.deliverUntilMs);
    return { table: FAILED_PAYLOADS, undone: undefined, reason: undefined };
  } catch (error) {
    if (!(error instanceof PayloadError)) throw error;
    return { table: FAILED_PAYLOADS, undone: payload.recordIndex, reason: error.message };
  }
}

function lowest(records: readonly { readonly recordIndexMin: number }[]): number {
  return records.reduce((least, record) => Math.min(least, record.recordIndexMin), Number.POSITIVE_INFINITY);
}

function bytesOf({ records }: DeliveryCall): number {
  return records.reduce((sum, { data }) => sum + data.length, 0);
}

function recordIndexOf(item: Item | undefined): number {
  if (item === undefined) return 0;
  return (item.state === 'scored' ? item.transformed.origin : item.origin).recordIndex;
}
