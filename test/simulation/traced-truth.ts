/** What tracing must answer of an event, by what the world knows of it. */
import type { TracedRecord } from '../../batch/trace/trace.ts';
import type { Whereabouts } from '../../batch/trace/whereabouts.ts';
import { formatPosition, padSequence } from '../../streams/position.ts';
import { decodeTape } from '../../streams/tape/tape-object.ts';
import { type ReconciledWorld, waitingRecords } from './audit-reconcile.ts';
import type { StreamEvent, StreamedRecord } from './stream.ts';
import type { RowAtRest, TablesAtRest } from './tables-at-rest.ts';

/** What became of an event; `killed`: its record was filed whole, since it kills the function. */
export type Fate = Whereabouts | 'killed';

export interface Truth {
  readonly event: StreamEvent;
  readonly fate: Fate;
  readonly rows: readonly RowAtRest[];
  /** Of the invocation that counted it. */
  readonly requestId: string | undefined;
  /** Where the record stands that played it again and counts. */
  readonly playedAt: string | null;
  /** Rows in a table that it was not decided to be in, or before it was. */
  readonly isAmbiguous: boolean;
  readonly isOnTape: boolean;
}

/** Of all events, as they first came. */
export async function truthsOf(world: ReconciledWorld, { all }: TablesAtRest): Promise<readonly Truth[]> {
  const { stream, plays, audit, firehose, table } = world;
  const waiting = await waitingRecords(world);
  const misdelivered = new Set<string>();
  for (const item of await table.query('misdelivered')) {
    if (item.attributes.status === 'redriven') continue;
    const object = firehose.objects.find(({ key }) => key === item.sk);
    for (const { recordId } of object?.rows ?? []) misdelivered.add(recordId);
  }
  const byId = Map.groupBy(all, ({ accepted }) => accepted.recordId);
  const taped = await tapedPlaces(world);
  return stream.records
    .filter(({ replay }) => replay === undefined)
    .flatMap((record) =>
      record.events.map((event): Truth => {
        const standing = plays.standingOf(record);
        const carrier = standing?.record;
        const decision = standing?.decision;
        const at = { ...event, record: carrier ?? record };
        const outcome = typeof decision === 'number' ? audit.judge.outcomeOf(at, decision).outcome : decision;
        // Events of a record that was filed whole share one row, of the first of them.
        const whole = decision === 'killed' ? (record.events[0]?.recordId ?? '') : event.recordId;
        const rows =
          byId.get(event.recordId) ?? byId.get(whole)?.filter(({ table }) => table === 'failed_events') ?? [];
        const isLost = rows.length === 0 && (misdelivered.has(event.recordId) || misdelivered.has(whole));
        const fate = isLost ? 'misdelivered' : (outcome ?? (waiting.has(record) ? 'parked' : 'unknown'));
        const isMixed = rows.some(
          (row) => row.table !== (fate === 'delivered' ? event.planned.dataset : 'failed_events'),
        );
        return {
          event,
          fate,
          rows,
          requestId: standing?.countedBy,
          playedAt: carrier?.replay === undefined ? null : formatPosition(carrier.shardId, carrier.sequenceNumber, 0),
          isAmbiguous:
            isMixed || (rows.length > 0 && (fate === 'parked' || fate === 'dropped' || fate === 'duplicate')),
          isOnTape: taped.has(placeOf(record)),
        };
      }),
    );
}

/**
 * What differs, in words; none when it is the truth.
 * @param isByEventId whether it was asked for by `_event_id`, which what failed has none of
 */
export function differences(truth: Truth, traced: TracedRecord | undefined, isByEventId: boolean): string[] {
  const { event, fate, rows } = truth;
  if (traced === undefined) return ['it is not found'];
  const said = (name: string, received: unknown, wanted: unknown) =>
    String(received) === String(wanted) ? [] : [`${name}: ${received}, not ${wanted}`];
  const where = fate === 'killed' ? 'quarantined' : fate;
  const own = traced.rows.map(({ table, object, row }) => `${table} ${object} ${row}`).sort();
  const wanted = rows.map(({ table, object, row }) => `${table} ${object} ${row}`).sort();
  const [shardId, sequence, subsequence = ''] = event.position.split(':');
  return [
    ...said('recordId', traced.recordId, event.recordId),
    ...(truth.isAmbiguous ? [] : said('where', traced.where, where)),
    ...said('rows', own, isByEventId ? wanted.filter((name) => !name.startsWith('failed_events')) : wanted),
    ...said('shard', traced.shardId, shardId),
    ...said('sequence', padSequence(traced.sequenceNumber), sequence),
    ...said('subsequence', traced.subsequenceNumber, Number(subsequence)),
    ...said('on the tape', traced.tape.length > 0, truth.isOnTape),
    ...said('journal', traced.journal?.requestId, truth.requestId),
    ...(truth.playedAt === null ? [] : said('playedAt', traced.playedAt, truth.playedAt)),
    ...(fate === 'parked' ? said('document', typeof traced.parked?.document, 'string') : []),
    ...(fate === 'misdelivered' ? said('error object', typeof traced.misdelivered, 'string') : []),
  ];
}

const placeOf = ({ shardId, sequenceNumber }: Pick<StreamedRecord, 'shardId' | 'sequenceNumber'>): string =>
  `${shardId}:${padSequence(sequenceNumber)}`;

/** Places of the records that the tape's objects hold. */
async function tapedPlaces({ tape }: ReconciledWorld): Promise<ReadonlySet<string>> {
  const places = new Set<string>();
  for (const { key, shardId } of await tape.list('')) {
    for (const record of decodeTape(await tape.read(key), shardId)) places.add(placeOf(record));
  }
  return places;
}
