/** The Catalog function in a run: the real handler behind a queue that tells twice, late, out of order and again. */
import type { Context, SQSEvent, SQSRecord } from 'aws-lambda';
import type { StateTablePort } from '../../processors/books/state-table.ts';
import { createCatalogHandler } from '../../processors/catalog.ts';
import type { StoredObject } from '../../processors/landed/objects.ts';
import type { Conditions } from './conditions.ts';
import { createFunctionHost } from './function-host.ts';
import { ARCHIVE_BUCKET, PROCESSED_BUCKET, type SimulatedObjects } from './objects.ts';
import { createStatePort } from './state-ports.ts';

export interface SimulatedCatalog {
  /** Locations of the partitions that are registered. */
  readonly registered: ReadonlySet<string>;
  /** An object has appeared. */
  notify(object: StoredObject): void;
}

export const TAPE_FUNCTION = 'tape';
const TIMEOUT_MS = 60_000;
const BATCH_MAX = 10;
const GATHERING_MS = 500;
const LATE_MS_MAX = 90_000;
const VISIBILITY_MS = 20_000;
const REGISTERING_MS_MAX = 200;

export function createCatalog(
  conditions: Conditions,
  table: StateTablePort,
  objects: SimulatedObjects,
): SimulatedCatalog {
  const { time, say } = conditions;
  const random = conditions.random('catalog');
  const registered = new Set<string>();
  const waiting: SQSRecord[] = [];
  let messages = 0;

  const host = createFunctionHost<SQSEvent>({
    name: 'catalog',
    conditions,
    timeoutMs: TIMEOUT_MS,
    start(process) {
      const handler = createCatalogHandler(
        { processedBucket: PROCESSED_BUCKET, archiveBucket: ARCHIVE_BUCKET, tapeFunction: TAPE_FUNCTION },
        {
          table: createStatePort({ table, conditions, random, process }),
          objects: objects.portOf(process),
          clock: process,
          partitions: {
            register: (_table, partitions) =>
              process.call({
                name: `register x${partitions.length}`,
                latencyMs: random.int(5, REGISTERING_MS_MAX),
                effect() {
                  const failures = new Map<string, string>();
                  for (const { location } of partitions) {
                    if (conditions.befalls('registrationFailed')) failures.set(location, 'InternalFailure');
                    else registered.add(location);
                  }
                  return failures;
                },
              }),
          },
          log: (line) => {
            if (!process.isDead) say(() => `${process.invocation?.requestId} logs ${line}`);
          },
        },
      );
      return (event, context) => handler(event, contextOf(context));
    },
    onInvoke: () => undefined,
    onAnswer: () => undefined,
  });

  function receive(): void {
    const Records = waiting.splice(0, BATCH_MAX);
    if (Records.length === 0) return;
    const again = (records: readonly SQSRecord[]) => {
      if (records.length === 0) return;
      time.after(VISIBILITY_MS, () => {
        waiting.push(...records);
        receive();
      });
    };
    host.invoke({ Records }, (result) => {
      if (result.kind !== 'returned') return again(Records);
      const failed = new Set<unknown>();
      const answer: { batchItemFailures?: { itemIdentifier: string }[] } = JSON.parse(result.payload);
      for (const { itemIdentifier } of answer.batchItemFailures ?? []) failed.add(itemIdentifier);
      again(Records.filter(({ messageId }) => failed.has(messageId)));
    });
    receive();
  }

  function arrive(body: string): void {
    waiting.push(messageOf(`message-${messages++}`, body));
    time.after(GATHERING_MS, receive);
  }

  return {
    registered,
    notify({ bucket, key, sizeBytes, etag }) {
      const detail = { bucket: { name: bucket }, object: { key, size: sizeBytes, etag } };
      const body = JSON.stringify({
        'detail-type': 'Object Created',
        time: new Date(time.now()).toISOString(),
        detail,
      });
      const lateMs = () =>
        conditions.befalls('notifiedLate') ? random.int(0, LATE_MS_MAX) : random.int(0, GATHERING_MS);
      time.after(lateMs(), () => arrive(body));
      if (conditions.befalls('notifiedTwice')) time.after(lateMs(), () => arrive(body));
    },
  };
}

function messageOf(messageId: string, body: string): SQSRecord {
  return {
    messageId,
    receiptHandle: messageId,
    body,
    attributes: {
      ApproximateReceiveCount: '1',
      SentTimestamp: '0',
      SenderId: 'events',
      ApproximateFirstReceiveTimestamp: '0',
    },
    messageAttributes: {},
    md5OfBody: '',
    eventSource: 'aws:sqs',
    eventSourceARN: 'arn:aws:sqs:us-east-1:123456789012:data-pipeline-ingest',
    awsRegion: 'us-east-1',
  };
}

function contextOf(context: Pick<Context, 'awsRequestId' | 'getRemainingTimeInMillis'>): Context {
  return {
    ...context,
    callbackWaitsForEmptyEventLoop: false,
    functionName: 'catalog',
    functionVersion: '$LATEST',
    invokedFunctionArn: 'arn:aws:lambda:us-east-1:123456789012:function:catalog',
    memoryLimitInMB: '512',
    logGroupName: 'catalog',
    logStreamName: 'catalog',
    done: () => undefined,
    fail: () => undefined,
    succeed: () => undefined,
  };
}
