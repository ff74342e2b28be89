/** The processor in a run: the real handler, books and Firehose adapter, in simulated processes. */

import { kinesisEvent } from '../../local/lambda/kinesis-event.ts';
import { createFirehoseDelivery } from '../../processors/adapters/firehose-delivery.ts';
import { createBooks } from '../../processors/books/books.ts';
import { createClaims } from '../../processors/books/claims.ts';
import type { StateTablePort, StateWrite } from '../../processors/books/state-table.ts';
import type { DeliveryPort } from '../../processors/ports.ts';
import { createRealtimeHandler } from '../../processors/realtime.ts';
import type { Conditions } from './conditions.ts';
import { datasetsOfProcess, orders } from './datasets.ts';
import { type SimulatedFirehose, STREAM_PREFIX } from './firehose.ts';
import { createFunctionHost, type FunctionHost, type Invocation, type SimulatedProcess } from './function-host.ts';
import type { MappedBatch } from './mapping.ts';
import type { Random } from './random.ts';
import { createPayloadPort, createStatePort } from './state-ports.ts';

export interface ProcessorOptions {
  readonly conditions: Conditions;
  readonly table: StateTablePort;
  readonly firehose: SimulatedFirehose;
  readonly payloads: Map<string, Buffer>;
  /** The threshold that is deployed now. */
  readonly qualityThreshold: () => number;
  readonly onInvoke: (invocation: Invocation<MappedBatch>) => void;
  readonly onWritten: (invocation: Invocation<MappedBatch>, writes: readonly StateWrite[]) => void;
  readonly onAnswer: (invocation: Invocation<MappedBatch>, answer: unknown) => void;
  readonly onPoison: (invocation: Invocation<MappedBatch>) => void;
}

/** When the stream was made, epoch milliseconds. */
export const STREAM_CREATED_AT_MS = Date.UTC(2026, 0, 1);
const DOCUMENTS_PER_RECORD = [1, 4, 500];
const BACKOFF = { baseMs: 50, ceilingMs: 5_000 } as const;

export function createProcessor(options: ProcessorOptions): FunctionHost<MappedBatch> {
  const { conditions, table, firehose, payloads, onInvoke, onWritten, onAnswer, onPoison } = options;
  const random = conditions.random('processor ports');

  function start(process: SimulatedProcess<MappedBatch>) {
    const datasets = datasetsOfProcess(() => {
      if (process.invocation && !process.isDead) onPoison(process.invocation);
      process.die('out of memory');
    });
    const state = createStatePort({ table, conditions, random, process, onWritten });
    const handler = createRealtimeHandler(
      {
        datasets,
        defaultDataset: orders.name,
        metricsNamespace: 'Simulation',
        payloadBucket: 'archive',
        retriesMax: conditions.scenario.retriesMax,
        // Few a record, so that calls have several records, of which some are rejected.
        documentsPerRecordMax: DOCUMENTS_PER_RECORD[conditions.scenario.seed % DOCUMENTS_PER_RECORD.length] ?? 1,
      },
      {
        books: createBooks({
          table: state,
          streams: { createdAtMs: async () => STREAM_CREATED_AT_MS },
          clock: process,
          qualityThreshold: options.qualityThreshold(),
          version: `v${process.version}`,
        }),
        claims: createClaims(state, process),
        delivery: createDelivery(conditions, firehose, process, random),
        payloads: createPayloadPort(conditions, random, process, payloads),
        clock: process,
        log: (line) => {
          if (!process.isDead) conditions.say(() => `${process.invocation?.requestId} logs ${line}`);
        },
      },
    );
    return (batch: MappedBatch, context: Parameters<typeof handler>[1]) =>
      handler({ Records: [...kinesisEvent(batch.encoded).Records] }, context);
  }

  return createFunctionHost({
    name: 'processor',
    conditions,
    timeoutMs: conditions.scenario.timeoutMs,
    start,
    onInvoke,
    onAnswer,
  });
}

/** The real adapter over the simulated Firehose. */
export function createDelivery(
  conditions: Conditions,
  firehose: SimulatedFirehose,
  process: SimulatedProcess<unknown>,
  random: Random,
): DeliveryPort {
  return createFirehoseDelivery({
    client: firehose.clientOf(process),
    streamPrefix: STREAM_PREFIX,
    clock: process,
    backoff: { ...BACKOFF, random: random.next },
    wait: process.sleep,
    abortAfter(durationMs) {
      const aborter = new AbortController();
      // A reason, since making the default one takes longer than all else here.
      conditions.time.after(durationMs, () => aborter.abort('it took too long'));
      return aborter.signal;
    },
  });
}
