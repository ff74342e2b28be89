/**
 * Counts events by what the books tell apart, so that a batch that was done in part is counted in part: a retry counts
 * the rest.
 *
 * Events of one Kinesis record that are alike share a cell; cells stand in the order of records. A plain record costs one
 * cell, an aggregate one for each partition that its events fall into.
 */
import { formatHour } from '../schemas/timestamp.ts';
import { isRunId } from '../streams/envelope.ts';
import type { JournalGroup, Outcome } from './books/journal-entry.ts';
import { UNKNOWN_DATASET } from './books/keys.ts';
import type { Routed } from './stages/route.ts';

/** Events of a batch by outcome: `received = delivered + quarantined + dropped + duplicate`. */
export interface BatchCounts {
  readonly received: number;
  readonly delivered: number;
  readonly quarantined: number;
  readonly dropped: number;
  readonly duplicate: number;
}

export interface Tally {
  count(routed: Routed): void;
  /** Events of the records before index `done`. */
  upTo(done: number): BatchCounts;
  /** The same, by all that the journal tells apart. */
  groupsUpTo(done: number): readonly JournalGroup[];
  /** Sum of the fingerprints of the Kinesis records before index `done`. */
  fingerprintUpTo(done: number): bigint;
  /** The quarantined ones of them by `<dataset>/<code>`; `?` where the dataset could not be told. */
  failuresUpTo(done: number): ReadonlyMap<string, number>;
}

const HOUR_MS = 3_600_000;
const DAY_HOURS = 24;

/** Past this, sums of 32-bit values go on as `bigint`. */
const SUM_MAX = 2 ** 52;

/** Events that are alike but for their partition. */
interface Family {
  readonly dataset: string;
  readonly runId: string;
  readonly outcome: Outcome;
  /** Of arrival, hours since the epoch. */
  readonly hour: number;
  /** By first hour of the partition since the epoch; one for what has no partition. */
  readonly groups: Map<number, number>;
}

interface Group {
  readonly family: Family;
  /** `''`, `2026-01-01` or `2026-01-01T05`. */
  readonly partition: string;
}

/** What lies in no partition. */
const NOWHERE = Number.NEGATIVE_INFINITY;

export function createTally(recordCount: number): Tally {
  const recordFingerprints = new Float64Array(recordCount);
  const families = new Map<string, Family>();
  const groups: Group[] = [];
  const cells = createCells();
  // A column a kind, not an entry a failure: a batch can hold millions of failures, of some 25 kinds a dataset.
  const failures = new Map<string, Int32Array>();
  let last: Family | undefined;

  function familyOf(dataset: string, runId: string, outcome: Outcome, hour: number): Family {
    if (last?.hour === hour && last.outcome === outcome && last.dataset === dataset && last.runId === runId)
      return last;
    const key = `${outcome} ${hour} ${dataset} ${runId}`;
    last = families.get(key) ?? { dataset, runId, outcome, hour, groups: new Map() };
    families.set(key, last);
    return last;
  }

  function groupOf(family: Family, partitionHour: number, isHourly: boolean): number {
    const known = family.groups.get(partitionHour);
    if (known !== undefined) return known;
    const partition = partitionHour === NOWHERE ? '' : formatHour(partitionHour * HOUR_MS).slice(0, isHourly ? 13 : 10);
    family.groups.set(partitionHour, groups.length);
    return groups.push({ family, partition }) - 1;
  }

  function countFailure(dataset: string | undefined, code: string, recordIndex: number): void {
    const kind = `${dataset ?? UNKNOWN_DATASET}/${code}`;
    const failed = failures.get(kind) ?? new Int32Array(recordCount);
    failures.set(kind, failed);
    failed[recordIndex] = (failed[recordIndex] ?? 0) + 1;
  }

  return {
    count(routed) {
      const { outcome, origin, event } = routed;
      const { recordIndex } = origin;
      recordFingerprints[recordIndex] = origin.fingerprint;
      const fingerprint = origin.recordIds.first32(event.subsequenceNumber);
      const runId = isRunId(event.runId) ? event.runId : '';
      const hour = Math.floor(origin.arrivedAtMs / HOUR_MS);
      if (outcome === 'delivered') {
        const isHourly = routed.event.dataset.definition.partition === 'hour';
        const eventHour = Math.floor(routed.eventTimeMs / HOUR_MS);
        const partitionHour = isHourly ? eventHour : Math.floor(eventHour / DAY_HOURS) * DAY_HOURS;
        const family = familyOf(routed.dataset, runId, outcome, hour);
        cells.add(groupOf(family, partitionHour, isHourly), recordIndex, fingerprint, routed.score);
        return;
      }
      const dataset = routed.dataset ?? UNKNOWN_DATASET;
      cells.add(groupOf(familyOf(dataset, runId, outcome, hour), NOWHERE, false), recordIndex, fingerprint, 0);
      if (outcome === 'quarantined') countFailure(routed.dataset, routed.code, recordIndex);
    },
    upTo(done) {
      const counts = { delivered: 0, quarantined: 0, dropped: 0, duplicate: 0 };
      for (const { outcome, events } of this.groupsUpTo(done)) counts[outcome] += events;
      const { delivered, quarantined, dropped, duplicate } = counts;
      return { received: delivered + quarantined + dropped + duplicate, ...counts };
    },
    groupsUpTo(done) {
      return cells.sumsUpTo(done, groups.length).flatMap(({ events, fingerprint, score }, index) => {
        const group = groups[index];
        if (group === undefined || events === 0) return [];
        const { dataset, runId, outcome, hour } = group.family;
        const { partition } = group;
        const arrival = formatHour(hour * HOUR_MS);
        return [{ dataset, runId, outcome, partition, hour: arrival, events, fingerprint, score }];
      });
    },
    fingerprintUpTo(done) {
      const sum = new ExactSum();
      for (let index = 0; index < done; index++) sum.add(recordFingerprints[index] ?? 0);
      return sum.total;
    },
    failuresUpTo(done) {
      const byKind = new Map<string, number>();
      for (const [kind, failed] of failures) {
        const count = failed.subarray(0, done).reduce((sum, value) => sum + value, 0);
        if (count > 0) byKind.set(kind, count);
      }
      return byKind;
    },
  };
}

interface CellSums {
  readonly events: number;
  readonly fingerprint: bigint;
  readonly score: number;
}

/** Columns, not objects: a cell is a few numbers, and a batch can have as many as it has events. */
function createCells() {
  const groups: number[] = [];
  const records: number[] = [];
  const events: number[] = [];
  const fingerprints: number[] = [];
  const scores: number[] = [];
  return {
    /** Cells are added in the order of records. A record holds 10,000 events at most, so its sums are exact. */
    add(group: number, recordIndex: number, fingerprint: number, score: number): void {
      const at = groups.length - 1;
      if (groups[at] === group && records[at] === recordIndex) {
        events[at] = (events[at] ?? 0) + 1;
        fingerprints[at] = (fingerprints[at] ?? 0) + fingerprint;
        scores[at] = (scores[at] ?? 0) + score;
        return;
      }
      groups.push(group);
      records.push(recordIndex);
      events.push(1);
      fingerprints.push(fingerprint);
      scores.push(score);
    },
    sumsUpTo(done: number, groupCount: number): CellSums[] {
      const sums = Array.from({ length: groupCount }, () => ({ events: 0, score: 0, fingerprint: new ExactSum() }));
      for (let at = 0; at < groups.length; at++) {
        // Cells stand in the order of records.
        if ((records[at] ?? 0) >= done) break;
        const sum = sums[groups[at] ?? 0];
        if (sum === undefined) continue;
        sum.events += events[at] ?? 0;
        sum.score += scores[at] ?? 0;
        sum.fingerprint.add(fingerprints[at] ?? 0);
      }
      return sums.map((sum) => ({ events: sum.events, score: sum.score, fingerprint: sum.fingerprint.total }));
    },
  };
}

/** An exact sum of integers below 2^52: as a double while it can be. */
class ExactSum {
  #whole = 0n;
  #rest = 0;

  add(value: number): void {
    this.#rest += value;
    if (this.#rest < SUM_MAX) return;
    this.#whole += BigInt(this.#rest);
    this.#rest = 0;
  }

  get total(): bigint {
    return this.#whole + BigInt(this.#rest);
  }
}
