/**
 * Puts events of a dataset on the stream from any Node program: validated, batched, and accounted for one by one.
 *
 * - Each record is validated by the dataset's schema and encoded from a copy; the caller's objects stay as they are.
 * - An input of any length takes bounded memory: reading it waits while the buffer is full.
 * - A record is accepted, refused, or named by the error that a call ends with. None is dropped in silence.
 * - Order is kept per partition key within a call, and between calls that follow each other.
 *
 * docs/producers.md says how to use it; streams/examples/put-events.ts is a whole program.
 */
import type { Dataset } from '../schemas/dataset.ts';
import { datasets as allDatasets } from '../schemas/index.ts';
import { atIntervals } from './producer/at-intervals.ts';
import { createEventEncoder, type EventOptions } from './producer/encode-event.ts';
import { EventMeter, type EventProducerMetrics } from './producer/event-meter.ts';
import { createPacedPut } from './producer/paced-put.ts';
import { createProducer } from './producer/producer.ts';
import type { ProducerError } from './producer/producer-metrics.ts';
import { type ProducerOptions, resolveOptions, within } from './producer/producer-options.ts';
import { PutCall } from './producer/put-call.ts';
import type { PutEventsResult } from './producer/put-events-result.ts';
import { errorOf, type Refusals, runCall, type WhenRefused } from './producer/run-call.ts';

export interface EventProducerOptions extends ProducerOptions {
  /** Datasets by name. Default: all of the repository. */
  readonly datasets?: ReadonlyMap<string, Dataset>;
  /** Records that may be put and not yet accepted, whatever their bytes: 1 to 10,000,000. Default 100,000. */
  readonly waitingRecordsMax?: number;
  /** Given the metrics at each interval, and last when the producer is closed. It must not throw. */
  readonly onMetrics?: (metrics: EventProducerMetrics) => void;
  /** Milliseconds between two calls of `onMetrics`, 1 to 2,147,483,647. Default 60,000. It keeps no program alive. */
  readonly metricsIntervalMs?: number;
}

export interface PutEventsOptions extends EventOptions {
  /**
   * What happens to a record that does not conform to the dataset or that Kinesis would not take:
   * - `collect`, the default: it is listed in the result.
   * - `reject`: nothing is put unless every record can be. Only for an array; its records are held encoded until then.
   * - a function: it is given the record, and the next one is read when what it returns has resolved.
   */
  readonly whenRefused?: WhenRefused;
  /** Refused records that may be listed; one more ends the call with an error. 0 to 1,000,000. Default 1,000. */
  readonly refusedMax?: number;
  /** Stops the reading of the input; what was read is still put, and waited for. */
  readonly signal?: AbortSignal;
}

export interface EventProducer {
  /**
   * Puts the records of a dataset, in the JSON form that its schema describes, and waits until Kinesis has them.
   *
   * @throws PutEventsError that names what was not accepted, when the call could not go on to its end
   * @throws TypeError or RangeError, before anything is read, when an argument is not what is allowed
   */
  putEvents(
    dataset: string,
    records: Iterable<unknown> | AsyncIterable<unknown>,
    options?: PutEventsOptions,
  ): Promise<PutEventsResult>;
  metrics(): EventProducerMetrics;
  /**
   * Ends the calls under way as an abort would, waits until Kinesis has all that was put, and gives the last metrics. To
   * be called once the program is done.
   *
   * @throws ProducerError when the stream does not take it; the calls have named the records
   */
  close(): Promise<EventProducerMetrics>;
}

/** Of a timer in Node: 2^31 - 1. */
const INTERVAL_MS_MAX = 2_147_483_647;

/**
 * Lists the stream's shards and starts a producer of events.
 *
 * @throws RangeError when an option is out of its bounds
 * @throws what the port throws when the shards cannot be listed
 */
export async function createEventProducer(options: EventProducerOptions): Promise<EventProducer> {
  const { clock, recordBytesMax } = resolveOptions(options);
  const { datasets = allDatasets, onMetrics } = options;
  const waitingRecordsMax = within('waitingRecordsMax', options.waitingRecordsMax ?? 100_000, 1, 10_000_000);
  const intervalMs = within('metricsIntervalMs', options.metricsIntervalMs ?? 60_000, 1, INTERVAL_MS_MAX);
  const producer = await createProducer(options);
  const meter = new EventMeter();
  const put = createPacedPut(producer, meter, waitingRecordsMax);
  const calls = new Map<PutCall, Promise<unknown>>();
  let failure: ProducerError | undefined;
  let closing: Promise<EventProducerMetrics> | undefined;
  const metrics = (): EventProducerMetrics => meter.metrics(producer.metrics());
  const stopMetrics = onMetrics && atIntervals(intervalMs, () => onMetrics(metrics()));

  void producer.ended.then((error) => {
    failure = error;
    for (const call of calls.keys()) call.fail(error);
  });

  async function close(): Promise<EventProducerMetrics> {
    for (const call of calls.keys()) call.stop.stop();
    await Promise.allSettled(calls.values());
    try {
      await producer.close();
    } finally {
      stopMetrics?.();
      onMetrics?.(metrics());
    }
    return metrics();
  }

  return {
    async putEvents(name, records, putOptions = {}) {
      const encode = createEventEncoder(datasetOf(datasets, name), putOptions, recordBytesMax);
      const refusals = checkRefusals(putOptions, records);
      if (closing !== undefined) throw new Error('The event producer is closed; nothing can be put any more.');
      const call = new PutCall(meter, clock);
      if (failure !== undefined) throw errorOf(failure, call);
      const running = runCall({ call, records, encode, put, refusals, signal: putOptions.signal });
      calls.set(call, running);
      try {
        const isExhausted = await running;
        if (isExhausted) return { ...call.progress(), end: 'exhausted' };
        if (putOptions.signal?.aborted) return { ...call.progress(), end: 'aborted' };
        if (failure !== undefined) throw errorOf(failure, call);
        return { ...call.progress(), end: 'closed' };
      } finally {
        calls.delete(call);
      }
    },
    metrics,
    close() {
      closing ??= close();
      return closing;
    },
  };
}

function datasetOf(datasets: ReadonlyMap<string, Dataset>, name: string): Dataset {
  const dataset = datasets.get(name);
  if (dataset !== undefined) return dataset;
  throw new TypeError(`dataset: received ${JSON.stringify(name)}, allowed: ${[...datasets.keys()].join(', ')}.`);
}

function checkRefusals({ whenRefused = 'collect', refusedMax = 1_000 }: PutEventsOptions, records: unknown): Refusals {
  if (whenRefused === 'reject' && !Array.isArray(records)) {
    throw new TypeError(
      'whenRefused: received "reject" for an input that is no array, allowed: "collect" or a function.',
    );
  }
  return { whenRefused, refusedMax: within('refusedMax', refusedMax, 0, 1_000_000) };
}
