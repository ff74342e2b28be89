/** The bytes that producers put for a scenario, and what must become of the events in them. */
import { hash } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { createAggregateBuilder } from '../../streams/aggregation/aggregate-builder.ts';
import { ODD_SCORE, payments, readings } from './datasets.ts';
import type { EventKind } from './event-kind.ts';
import type { RecordPlan } from './scenario.ts';

/** One user event as it was put. */
export interface PlannedEvent {
  readonly id: string;
  /** Partition key. */
  readonly key: string;
  readonly kind: EventKind;
  /** `?` where the bytes do not tell. */
  readonly dataset: 'orders' | 'readings' | 'payments' | '?';
  readonly runId: string;
  /** What must be claimed for it first, and by whom; undefined: nothing. */
  readonly claim: { readonly by: 'event' | 'record'; readonly subject: string } | undefined;
  /** Epoch milliseconds. */
  readonly eventTimeMs: number;
}

/** Bytes that a producer puts: a whole Kinesis record, or a user record of an aggregate. */
export interface PlannedPayload {
  readonly key: string;
  readonly data: Buffer;
  readonly events: readonly PlannedEvent[];
}

export interface PlannedOutcome {
  readonly outcome: 'delivered' | 'quarantined' | 'dropped' | 'duplicate';
  /** Of what is delivered. */
  readonly score: number;
}

const LARGE_BYTES = 701_000;
/** 0xff begins no text and no format. */
const GARBAGE = Buffer.of(0xff);
const RUN_ID = 'run-a';
const SOURCE = 'urn:simulation';

export function outcomeOf(event: PlannedEvent, qualityThreshold: number): PlannedOutcome {
  switch (event.kind) {
    case 'good':
      return { outcome: 'delivered', score: 1 };
    case 'odd':
      return ODD_SCORE >= qualityThreshold
        ? { outcome: 'delivered', score: ODD_SCORE }
        : { outcome: 'quarantined', score: 0 };
    case 'drop':
      return { outcome: 'dropped', score: 0 };
    default:
      return { outcome: 'quarantined', score: 0 };
  }
}

/**
 * @param name tells the record from all others of the scenario
 * @param isSplit whether user records are put one by one, for a producer that aggregates by itself
 */
export function planPayloads(
  plan: Omit<RecordPlan, 'isTwice'>,
  name: string,
  putAtMs: number,
  isSplit: boolean,
): PlannedPayload[] {
  const form = plan.form === 'aggregate' ? 'json' : plan.form;
  const events = plan.events.map((kind, index): PlannedEvent => {
    const isTold = kind !== 'garbage' && kind !== 'large';
    const id = `${name}.${index}`;
    return {
      id,
      key: plan.key,
      kind,
      dataset: isTold ? datasetOf(form) : '?',
      runId: (form === 'event' || form === 'chunk') && isTold ? RUN_ID : '',
      claim: isTold ? claimOf(form, name, id) : undefined,
      eventTimeMs: putAtMs - (index % 3) * 2_500_000,
    };
  });
  const { key } = plan;
  if (form === 'batch' || form === 'chunk') {
    const chunk = form === 'chunk' ? { chunkid: name, runid: RUN_ID } : {};
    const elements = events.map((event) => (event.dataset === '?' ? event.id : { ...cloudEvent(event), ...chunk }));
    return [{ key, data: Buffer.from(JSON.stringify(elements)), events }];
  }
  const single = events.map((event) => ({ key, data: bytesOf(event, form), events: [event] }));
  if (plan.form !== 'aggregate' || isSplit) return single;
  const builder = createAggregateBuilder();
  for (const { data } of single) builder.add(key, data);
  return [{ key, data: builder.encode(), events }];
}

function datasetOf(form: RecordPlan['form']): 'orders' | 'readings' | 'payments' {
  return form === 'avro' ? 'readings' : form === 'payment' ? 'payments' : 'orders';
}

function claimOf(form: RecordPlan['form'], chunkId: string, id: string): PlannedEvent['claim'] {
  if (form === 'chunk')
    return { by: 'record', subject: `run#${hash('sha256', JSON.stringify([RUN_ID, SOURCE, chunkId]))}` };
  if (form !== 'payment') return undefined;
  return { by: 'event', subject: `event#${payments.name}#${hash('sha256', `${SOURCE}\n${id}`)}` };
}

function bytesOf(event: PlannedEvent, form: RecordPlan['form']): Buffer {
  if (event.kind === 'large') return Buffer.alloc(LARGE_BYTES, 0xff);
  if (event.kind === 'garbage') return Buffer.concat([GARBAGE, Buffer.from(event.id)]);
  const value = recordOf(event);
  if (form === 'avro') {
    const body = readings.encodeAvro({ ...value, at: event.eventTimeMs });
    return Buffer.concat([readings.singleObjectHeader, event.kind === 'invalid' ? body.subarray(0, -2) : body]);
  }
  if (form === 'event') return Buffer.from(JSON.stringify({ ...cloudEvent(event), runid: RUN_ID }));
  if (form === 'payment') return Buffer.from(JSON.stringify(cloudEvent(event)));
  const json = Buffer.from(JSON.stringify(value));
  return form === 'gzip' ? gzipSync(json) : json;
}

function recordOf({ id, key, kind, eventTimeMs }: PlannedEvent) {
  return { id, key, at: kind === 'invalid' ? 'some day' : eventTimeMs, mode: kind };
}

function cloudEvent(event: PlannedEvent) {
  return { specversion: '1.0', id: event.id, source: SOURCE, type: event.dataset, data: recordOf(event) };
}
