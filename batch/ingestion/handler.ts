/**
 * The Ingestion function: takes what lies in two queues onto the stream. Of the queue of runs it produces dropped objects and
 * what else is asked for; of users' messages it puts each. A message that could not be taken is reported alone and comes
 * again, a little later each time, until it ends in the dead-letter queue.
 */
import { BatchProcessor, EventType, processPartialResponse } from '@aws-lambda-powertools/batch';
import type { Context, SQSBatchResponse, SQSEvent, SQSRecord } from 'aws-lambda';
import { embeddedMetrics } from '../../processors/embedded-metrics.ts';
import type { DropSettings } from './drop-run.ts';
import type { Deadline } from './read-run.ts';
import { takeMessage } from './take-messages.ts';
import { type RequestPorts, type Taken, takeRequest } from './take-request.ts';

export interface IngestionSettings extends DropSettings {
  /** Names of the queues. */
  readonly runsQueue: string;
  readonly ingestQueue: string;
  /** CloudWatch namespace of the embedded metrics. */
  readonly metricsNamespace: string;
}

export interface IngestionPorts extends RequestPorts {
  /** Lets a message that failed come again sooner than its queue's visibility timeout. Of no consequence when it fails. */
  readonly retryAfter: (message: SQSRecord, seconds: number) => Promise<void>;
  /** Takes one JSON line an invocation. */
  readonly log: (line: string) => void;
}

export type IngestionHandler = (
  event: SQSEvent,
  context: Pick<Context, 'getRemainingTimeInMillis'>,
) => Promise<SQSBatchResponse>;

/**
 * Kept back of the invocation's time: chunks that are under way are put, half a minute of throttling included, the position
 * is kept, and a request for the rest is sent.
 */
export const RESERVE_MS = 90_000;
/** Doubled with each receive. */
const RETRY_SECONDS = { first: 15, most: 240 };

export function createIngestionHandler(settings: IngestionSettings, ports: IngestionPorts): IngestionHandler {
  const { clock } = ports;

  return async (event, context) => {
    const startedAtMs = clock.now();
    const endMs = startedAtMs + context.getRemainingTimeInMillis() - RESERVE_MS;
    const deadline: Deadline = { isOver: () => clock.now() >= endMs };
    const report = new Report();

    async function take(message: SQSRecord): Promise<void> {
      try {
        const queue = message.eventSourceARN.split(':').at(-1);
        if (queue === settings.runsQueue) {
          report.runs.push(...(await takeRequest(message.body, settings, deadline, ports)));
        } else if (queue === settings.ingestQueue) {
          report.records += await takeMessage(message, settings.defaultDataset, ports.put);
        } else {
          throw new Error(`queue: received ${queue}, allowed: ${settings.runsQueue}, ${settings.ingestQueue}`);
        }
      } catch (error) {
        report.failures.push(Error.isError(error) ? `${error.name}: ${error.message}` : String(error));
        throw error;
      }
    }

    const response = await processPartialResponse(event, take, new BatchProcessor(EventType.SQS), {
      // Runs share the invocation's time and memory; messages are small.
      processInParallel: event.Records.every(({ eventSourceARN }) =>
        eventSourceARN.endsWith(`:${settings.ingestQueue}`),
      ),
      throwOnFullBatchFailure: false,
    });
    await comeAgain(event, response);
    ports.log(report.line(settings.metricsNamespace, startedAtMs, clock.now(), event.Records.length));
    return response;
  };

  async function comeAgain(event: SQSEvent, response: SQSBatchResponse): Promise<void> {
    const failed = new Set(response.batchItemFailures.map(({ itemIdentifier }) => itemIdentifier));
    const messages = event.Records.filter(({ messageId }) => failed.has(messageId));
    await Promise.allSettled(
      messages.map((message) => {
        const receives = Math.max(1, Number(message.attributes?.ApproximateReceiveCount) || 1);
        const seconds = Math.min(RETRY_SECONDS.first * 2 ** (receives - 1), RETRY_SECONDS.most);
        return ports.retryAfter(message, seconds);
      }),
    );
  }
}

const METRICS = { IngestedMessages: 'Count', IngestedChunks: 'Count', IngestionFailures: 'Count' } as const;

/** Of one invocation. */
class Report {
  readonly runs: Taken[] = [];
  readonly failures: string[] = [];
  /** Records that messages became. */
  records = 0;

  line(namespace: string, startedAtMs: number, atMs: number, messages: number): string {
    const chunks = this.runs.reduce((sum, run) => sum + ('chunks' in run ? run.chunks : 0), this.records);
    return JSON.stringify({
      ...embeddedMetrics(namespace, atMs, METRICS),
      timestamp: new Date(atMs).toISOString(),
      level: this.failures.length === 0 ? 'INFO' : 'WARN',
      message: this.failures.length === 0 ? 'taken in' : 'taken in in part',
      IngestedMessages: messages,
      IngestedChunks: chunks,
      IngestionFailures: this.failures.length,
      durationMs: atMs - startedAtMs,
      ...(this.runs.length > 0 && { runs: this.runs }),
      ...(this.failures.length > 0 && { failures: this.failures }),
    });
  }
}
