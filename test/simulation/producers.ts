/**
 * Puts a scenario's records: by the producer of `streams/producer`, or by a plain one that sends again what was rejected
 * and, where the answer was lost, all of it, so that a record may come twice.
 */
import { readAggregate } from '../../streams/aggregation/read-aggregate.ts';
import { createProducer } from '../../streams/producer/producer.ts';
import { type PutRecordsEntry, PutRecordsError, type PutRecordsPort } from '../../streams/producer/put-records-port.ts';
import type { Conditions } from './conditions.ts';
import { type PlannedEvent, type PlannedPayload, planPayloads } from './planned-events.ts';
import type { SimulatedStream } from './stream.ts';
import { STREAM_NAME } from './stream.ts';
import { Violation } from './violation.ts';

export interface Producers {
  /** Ids of the events that producers were told are accepted. */
  readonly accepted: ReadonlySet<string>;
  start(): void;
}

const CALL_MS_MAX = 40;
const RETRY_MS = 200;
/** How much later a record is put the second time. */
const AGAIN_MS = 2_000;

export function createProducers(conditions: Conditions, stream: SimulatedStream): Producers {
  const { scenario, time, startMs, say } = conditions;
  const random = conditions.random('producer');
  const eventsByBytes = new Map<string, readonly PlannedEvent[]>();
  const accepted = new Set<string>();

  /** What is in a record, told by the very bytes that were put. */
  function eventsOf(data: Buffer): readonly PlannedEvent[] {
    const known = eventsByBytes.get(data.toString('latin1'));
    if (known !== undefined) return known;
    const reading = readAggregate(data);
    if (reading.kind === 'plain') throw new Error(`a record that nobody put: ${reading.reason}`);
    const { count, dataBounds } = reading.records;
    return Array.from({ length: count }, (_, i) => data.subarray(dataBounds[i * 2], dataBounds[i * 2 + 1])).flatMap(
      eventsOf,
    );
  }

  const port: PutRecordsPort = {
    listShards: async () => stream.openShards(),
    async putRecords(_streamName, entries) {
      await time.sleep(random.next() * CALL_MS_MAX);
      const isLost = conditions.befalls('putFailed');
      const results = isLost ? [] : stream.put(entries, eventsOf, () => conditions.befalls('putRejected'));
      await time.sleep(random.next() * CALL_MS_MAX);
      if (isLost || conditions.befalls('putAnswerLost')) {
        say(() => `put ${entries.length}: ${isLost ? 'lost' : 'taken, and the answer lost'}`);
        throw new PutRecordsError('the connection was lost', { isRetryable: true });
      }
      say(() => `put ${entries.length}: ${results.map(({ errorCode, shardId }) => errorCode ?? shardId).join(' ')}`);
      return results;
    },
  };

  async function putPlainly(payloads: readonly PlannedPayload[]): Promise<void> {
    let pending = payloads;
    while (pending.length > 0) {
      const entries = pending.map(
        ({ key, data }): PutRecordsEntry => ({ partitionKey: key, data, explicitHashKey: undefined }),
      );
      try {
        const results = await port.putRecords(STREAM_NAME, entries, RETRY_MS);
        const taken = pending.filter((_, index) => results[index]?.errorCode === undefined);
        for (const { events } of taken) for (const { id } of events) accepted.add(id);
        pending = pending.filter((payload) => !taken.includes(payload));
      } catch (error) {
        if (!(error instanceof PutRecordsError)) throw error;
      }
      if (pending.length > 0) await time.sleep(random.next() * RETRY_MS);
    }
  }

  async function putByProducer(puts: readonly { readonly atMs: number; readonly payloads: PlannedPayload[] }[]) {
    const producer = await createProducer({
      port,
      streamName: STREAM_NAME,
      random: random.next,
      clock: { now: time.now, sleep: time.sleep },
      retryForMs: Number.MAX_SAFE_INTEGER,
    });
    for (const { atMs, payloads } of puts) {
      await time.sleep(startMs + atMs - time.now());
      for (const { data, key } of payloads) await producer.putBytes(data, key);
    }
    await producer.close();
    for (const { payloads } of puts) for (const { events } of payloads) for (const { id } of events) accepted.add(id);
  }

  return {
    accepted,
    start() {
      const planned = scenario.puts.map(({ atMs, records }, put) => ({
        atMs,
        records: records.map(({ isTwice, ...plan }, index) => ({
          isTwice,
          payloads: planPayloads(plan, `e${put}.${index}`, startMs + atMs, scenario.realProducer),
        })),
      }));
      const puts = planned
        .flatMap(({ atMs, records }) => [
          { atMs, payloads: records.flatMap(({ payloads }) => payloads) },
          { atMs: atMs + AGAIN_MS, payloads: records.flatMap(({ isTwice, payloads }) => (isTwice ? payloads : [])) },
        ])
        .filter(({ payloads }) => payloads.length > 0)
        .toSorted((a, b) => a.atMs - b.atMs);
      for (const { payloads } of puts) {
        for (const { data, events } of payloads) eventsByBytes.set(data.toString('latin1'), events);
      }
      const fail = (error: unknown) => conditions.fail(new Violation('producers put all', String(error)));
      if (scenario.realProducer) putByProducer(puts).catch(fail);
      else for (const { atMs, payloads } of puts) time.after(atMs, () => void putPlainly(payloads).catch(fail));
    },
  };
}
