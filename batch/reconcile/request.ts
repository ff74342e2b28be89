/** What the Reconcile function may be asked. Checked by hand: what is received comes from outside. */
import { isRecord } from '../../schemas/describe.ts';
import type { ReconcileRequest } from './reconcile.ts';
import { RefusedRequest } from './refused-request.ts';
import { hourStartMs } from './scope.ts';

/** What is traced: a record by its identity, its place on the stream, or the place of its row. */
export type TraceSubject =
  /** `_record_id`, `_event_id`, `_position`, or `<shard>:<sequence number>`. */
  | { readonly id: string }
  /** Key in the processed bucket, and index of the row, from 0. */
  | { readonly objectKey: string; readonly row: number };

export type Request =
  | { readonly action: 'reconcile'; readonly request: ReconcileRequest }
  | { readonly action: 'trace'; readonly subject: TraceSubject };

const HOUR_MS = 3_600_000;
const MINUTE_MS = 60_000;
/** A schedule compares what has had the time to come to rest: Firehose buffers for 15 minutes at most. */
const SCHEDULED_GRACE_MS = HOUR_MS;
/**
 * And no more than a day: each hour is compared 24 times, a function's 15 minutes suffice, and what the tape has long let go is
 * not missed.
 */
const SCHEDULED_LAST_MS = 24 * HOUR_MS;
const HOUR = /^\d{4}-\d{2}-\d{2}T\d{2}$/;
const RUN_ID_CHARACTERS_MAX = 64;
const GRACE_MINUTES_MAX = 10_080;

/**
 * `{action?: 'reconcile', from?, to?, runId?, graceMinutes?}` with hours of arrival such as `2026-11-25T07`, `to` included;
 * `{action: 'trace', id}`; `{action: 'trace', object, row}`; or an event of a schedule.
 * @throws RefusedRequest naming the member, what was received and what is allowed
 */
export function readRequest(event: unknown): Request {
  const given = isRecord(event) ? event : {};
  if (given['detail-type'] === 'Scheduled Event') {
    return { action: 'reconcile', request: { graceMs: SCHEDULED_GRACE_MS, lastMs: SCHEDULED_LAST_MS } };
  }
  const { action = 'reconcile' } = given;
  if (action === 'trace') return { action, subject: readSubject(given) };
  if (action !== 'reconcile') throw refused('action', action, 'reconcile, trace');
  const { from, to, runId, graceMinutes } = given;
  const fromMs = readHour('from', from);
  const lastHourMs = readHour('to', to);
  if (fromMs !== undefined && lastHourMs !== undefined && lastHourMs < fromMs) {
    throw refused('to', to, `an hour from ${String(from)} on`);
  }
  const graceMs = readCount('graceMinutes', graceMinutes, GRACE_MINUTES_MAX);
  const run = readText('runId', runId, RUN_ID_CHARACTERS_MAX);
  return {
    action,
    request: {
      ...(fromMs !== undefined && { fromMs }),
      ...(lastHourMs !== undefined && { toMs: hourStartMs(lastHourMs) + HOUR_MS }),
      ...(run !== undefined && { runId: run }),
      ...(graceMs !== undefined && { graceMs: graceMs * MINUTE_MS }),
    },
  };
}

const ID = /^(?:[0-9a-f]{32}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|[\w.-]{1,128}:\d{1,129}(?::\d{1,10})?)$/;
const KEY_CHARACTERS_MAX = 1_024;

function readSubject({ id, position, object, row }: Readonly<Record<string, unknown>>): TraceSubject {
  if (object !== undefined) {
    const objectKey = readText('object', object, KEY_CHARACTERS_MAX) ?? '';
    return { objectKey, row: readCount('row', row, Number.MAX_SAFE_INTEGER) ?? 0 };
  }
  const text = id ?? position;
  if (typeof text === 'string' && ID.test(text)) return { id: text };
  throw refused('id', text, 'a _record_id, an _event_id, a _position, or <shard>:<sequence number>');
}

function readHour(name: string, value: unknown): number | undefined {
  if (value === undefined || value === null) return undefined;
  const epochMs = typeof value === 'string' && HOUR.test(value) ? Date.parse(`${value}:00:00Z`) : Number.NaN;
  if (Number.isNaN(epochMs)) throw refused(name, value, 'an hour such as 2026-11-25T07, UTC');
  return epochMs;
}

function readText(name: string, value: unknown, charactersMax: number): string | undefined {
  if (value === undefined || value === null) return undefined;
  if (typeof value === 'string' && value !== '' && value.length <= charactersMax) return value;
  throw refused(name, value, `a text of at most ${charactersMax} characters`);
}

function readCount(name: string, value: unknown, max: number): number | undefined {
  if (value === undefined || value === null) return undefined;
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 && value <= max) return value;
  throw refused(name, value, `a whole number from 0 to ${max}`);
}

function refused(name: string, received: unknown, allowed: string): RefusedRequest {
  return new RefusedRequest(`${name}: received ${JSON.stringify(received) ?? 'nothing'}, allowed: ${allowed}`);
}
