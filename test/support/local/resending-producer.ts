/** A producer that sends each event until it is acknowledged, whatever becomes of the endpoint meanwhile. */
import { setTimeout as sleep } from 'node:timers/promises';
import { KinesisClient, PutRecordsCommand } from '@aws-sdk/client-kinesis';
import { STREAM } from '../../../cli/start/names.ts';
import { padSequence } from '../../../streams/position.ts';
import type { BooksTarget } from './check-books.ts';

export interface ResendingProducer {
  /** Events that have been acknowledged so far, by `<shard>:<padded sequence number>`. */
  readonly acknowledged: ReadonlyMap<string, number>;
  /** Begins no more events, and resolves once all that were begun are acknowledged. */
  stop(): Promise<void>;
}

export interface ResendingProducerOptions extends BooksTarget {
  /** JSON of an event. @param number from 0 */
  readonly event: (number: number) => object;
  readonly key: (number: number) => string;
  readonly eventsMax: number;
  /** Gives up, acknowledged or not. */
  readonly signal: AbortSignal;
}

/** Events a call. */
const BATCH = 60;
const PAUSE_MS = 30;
const AGAIN_AFTER_MS = 50;
const CALL_TIMEOUT_MS = 5_000;

export function startResendingProducer(options: ResendingProducerOptions): ResendingProducer {
  const { endpoint, region, event, key, eventsMax, signal } = options;
  const credentials = { accessKeyId: 'local', secretAccessKey: 'local' };
  const client = new KinesisClient({ endpoint, region, credentials, maxAttempts: 1 });
  const acknowledged = new Map<string, number>();
  let isStopping = false;

  async function put(numbers: readonly number[]): Promise<readonly number[]> {
    const command = new PutRecordsCommand({
      StreamName: STREAM,
      Records: numbers.map((number) => ({
        Data: Buffer.from(JSON.stringify(event(number))),
        PartitionKey: key(number),
      })),
    });
    const { Records = [] } = await client.send(command, { abortSignal: AbortSignal.timeout(CALL_TIMEOUT_MS) });
    return numbers.filter((number, index) => {
      const { ShardId, SequenceNumber } = Records[index] ?? {};
      if (ShardId === undefined || SequenceNumber === undefined) return true;
      acknowledged.set(`${ShardId}:${padSequence(SequenceNumber)}`, number);
      return false;
    });
  }

  async function run(): Promise<void> {
    for (let first = 0; first < eventsMax && !isStopping && !signal.aborted; first += BATCH) {
      let left: readonly number[] = Array.from({ length: BATCH }, (_, index) => first + index);
      while (left.length > 0 && !signal.aborted) {
        try {
          left = await put(left);
        } catch {
          // It may have been taken: the same events come again, at other places of the stream.
          await sleep(AGAIN_AFTER_MS);
        }
      }
      await sleep(PAUSE_MS);
    }
  }

  const ended = run().finally(() => client.destroy());
  return {
    acknowledged,
    stop() {
      isStopping = true;
      return ended;
    },
  };
}
