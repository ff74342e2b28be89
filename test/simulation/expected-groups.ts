/** What the journal must say of records, reckoned from what was put, by none of the pipeline's own code. */
import type { JournalGroup } from '../../processors/books/journal-entry.ts';
import type { PlannedOutcome } from './planned-events.ts';
import type { StreamEvent, StreamedRecord } from './stream.ts';

/** How a batch was decided: at a threshold, or filed whole because it kills the function. */
export type Decision = number | 'killed';

export interface Judge {
  /** What must become of an event at a threshold. */
  outcomeOf(event: StreamEvent, qualityThreshold: number): PlannedOutcome;
  /** Whether another that plays the same record counts, and not this one. */
  isSuperseded(record: StreamedRecord): boolean;
}

/** One event as the books count it. */
export interface CountedEvent {
  readonly dataset: string;
  readonly runId: string;
  readonly outcome: PlannedOutcome['outcome'];
  readonly partition: string;
  /** Of arrival. */
  readonly hour: string;
  readonly fingerprint: number;
  readonly score: number;
}

export function countedEvents(records: readonly StreamedRecord[], decision: Decision, judge: Judge): CountedEvent[] {
  return records.flatMap((record): CountedEvent[] => {
    const hour = isoHour((record.replay?.first ?? record).arrivedAtMs);
    if (decision === 'killed') {
      // The row is of where it first stood.
      const fingerprint = record.events[0]?.fingerprint ?? 0;
      const outcome = judge.isSuperseded(record) ? 'duplicate' : 'quarantined';
      return [{ dataset: '?', runId: '', outcome, partition: '', hour, fingerprint, score: 0 }];
    }
    return record.events.map((event) => {
      const { dataset, claim } = event.planned;
      const { outcome, score } = judge.outcomeOf(event, decision);
      // The run has the place already.
      const isCopy = outcome === 'duplicate' && (judge.isSuperseded(record) || claim?.by === 'record');
      const runId = isCopy ? '' : event.planned.runId;
      const { fingerprint } = event;
      return { dataset, runId, outcome, partition: partitionOf(event, outcome), hour, fingerprint, score };
    });
  });
}

/** One line a group, in the order of text, so that two lists are equal when their texts are. */
export function expectedGroups(records: readonly StreamedRecord[], decision: Decision, judge: Judge): string {
  const groups = new Map<string, { events: number; fingerprint: bigint; score: number }>();
  for (const event of countedEvents(records, decision, judge)) {
    const key = keyOf(event);
    const group = groups.get(key) ?? { events: 0, fingerprint: 0n, score: 0 };
    groups.set(key, group);
    group.events += 1;
    group.fingerprint += BigInt(event.fingerprint);
    group.score += event.score;
  }
  return linesOf([...groups].map(([key, { events, fingerprint, score }]) => lineOf(key, events, fingerprint, score)));
}

export function textOfGroups(groups: readonly JournalGroup[]): string {
  return linesOf(groups.map((group) => lineOf(keyOf(group), group.events, group.fingerprint, group.score)));
}

/** Of subsequence 0 of its own place: what the books sum by record. */
export function fingerprintOf({ fingerprint }: StreamedRecord): number {
  return fingerprint;
}

function partitionOf({ planned }: StreamEvent, outcome: PlannedOutcome['outcome']): string {
  if (outcome !== 'delivered') return '';
  const hour = isoHour(planned.eventTimeMs);
  return planned.dataset === 'readings' ? hour : hour.slice(0, 10);
}

/** `2026-06-01T05` */
function isoHour(timeMs: number): string {
  return new Date(timeMs).toISOString().slice(0, 13);
}

function keyOf(group: Omit<JournalGroup, 'events' | 'fingerprint' | 'score'>): string {
  const { dataset, runId, outcome, partition, hour } = group;
  return `${dataset} run=${runId} ${outcome} partition=${partition} hour=${hour}`;
}

function lineOf(key: string, events: number, fingerprint: bigint, score: number): string {
  return `${key}: ${events} events, ${fingerprint}, score ${score.toFixed(9)}`;
}

function linesOf(lines: readonly string[]): string {
  return lines.toSorted().join('\n');
}
