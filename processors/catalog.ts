/**
 * The Catalog function: takes notice of every object that appears. An object of a table has its partition registered in
 * Glue and its rows counted; what Lambda gave up of the stream is entered as parked, and what Firehose could not deliver as
 * misdelivered. Messages of the queue are EventBridge events. Each object is entered once, however often it is told of; a
 * message whose object could not be entered is tried again alone.
 */
import { BatchProcessorSync, EventType, processPartialResponseSync } from '@aws-lambda-powertools/batch';
import type { Context, SQSBatchResponse, SQSEvent, SQSRecord } from 'aws-lambda';
import {
  type AppearedObject,
  type CatalogBuckets,
  type CatalogMessage,
  readCatalogMessage,
} from './catalog-message.ts';
import { type Entered, type EnterPorts, enterAppeared } from './landed/enter-appeared.ts';
import type { TablePartition } from './partition-of-key.ts';

/** Registers partitions of one table; idempotent. */
export interface PartitionsPort {
  /** @returns for each partition that could not be registered, by `location`, why */
  register(table: string, partitions: readonly TablePartition[]): Promise<ReadonlyMap<string, string>>;
}

export interface CatalogPorts extends EnterPorts {
  readonly partitions: PartitionsPort;
  /** Takes one JSON line an invocation. */
  readonly log: (line: string) => void;
}

export interface CatalogSettings extends CatalogBuckets {
  /** Name of the function that keeps the tape: what it gives up is none of the processor's. */
  readonly tapeFunction: string;
}

export type CatalogHandler = (event: SQSEvent, context: Context) => Promise<SQSBatchResponse>;

/** A message that cannot be read fails alone, and ends in the dead-letter queue, where someone sees it. */
export function createCatalogHandler(settings: CatalogSettings, ports: CatalogPorts): CatalogHandler {
  // Locations that are known to be registered; lost with the process, which costs one idempotent call each.
  const known = new Set<string>();

  async function register(appeared: readonly AppearedObject[]): Promise<Registration> {
    const wanted = new Map<string, TablePartition>();
    for (const each of appeared) {
      if (each.kind === 'landed' && !known.has(each.partition.location))
        wanted.set(each.partition.location, each.partition);
    }
    const failures = await registerAll([...wanted.values()], ports.partitions);
    for (const location of wanted.keys()) if (!failures.has(location)) known.add(location);
    return { partitions: wanted.size - failures.size, failures };
  }

  return async (event, context) => {
    const messages = new Map(
      event.Records.map(({ messageId, body }) => [messageId, readCatalogMessage(body, settings)]),
    );
    const objects = new Map<string, AppearedObject>();
    for (const message of messages.values()) if ('object' in message) objects.set(identityOf(message), message);
    const registration = await register([...objects.values()]);
    const reachable = [...objects.values()].filter(
      (each) => each.kind !== 'landed' || !registration.failures.has(each.partition.location),
    );
    const entered = await enterAppeared(reachable, settings.tapeFunction, ports);
    ports.log(logLine([...messages.values()], registration, entered));

    const answer = (record: SQSRecord): void => {
      const message = messages.get(record.messageId);
      if (message?.kind === 'malformed') throw new Error(message.reason);
      if (!message || !('object' in message)) return;
      // Another message of this batch may tell of the same object.
      const outcome = entered.get(objects.get(identityOf(message)) ?? message);
      if (outcome === undefined) throw new Error('its partition could not be registered');
      if ('failure' in outcome) throw new Error(outcome.failure);
    };
    return processPartialResponseSync(event, answer, new BatchProcessorSync(EventType.SQS), {
      context,
      throwOnFullBatchFailure: false,
    });
  };
}

interface Registration {
  /** How many were registered. */
  readonly partitions: number;
  /** By location, why it could not be. */
  readonly failures: ReadonlyMap<string, string>;
}

async function registerAll(
  partitions: readonly TablePartition[],
  port: PartitionsPort,
): Promise<ReadonlyMap<string, string>> {
  const failures = new Map<string, string>();
  for (const [table, ofTable] of Map.groupBy(partitions, (partition) => partition.table)) {
    for (const [location, reason] of await port.register(table, ofTable)) failures.set(location, reason);
  }
  return failures;
}

function identityOf({ object: { bucket, key, etag } }: AppearedObject): string {
  return `${bucket}/${key} ${etag}`;
}

function logLine(
  messages: readonly CatalogMessage[],
  registration: Registration,
  entered: ReadonlyMap<AppearedObject, Entered>,
): string {
  const counts = { landed: 0, rows: 0, parked: 0, misdelivered: 0, known: 0 };
  const failures = Object.fromEntries(registration.failures);
  for (const [{ object }, outcome] of entered) {
    if ('failure' in outcome) {
      failures[`s3://${object.bucket}/${object.key}`] = outcome.failure;
      continue;
    }
    counts[outcome.as] += 1;
    if (outcome.as !== 'known') counts.rows += outcome.rows;
  }
  const ignored: Record<string, number> = {};
  for (const each of messages) if (each.kind === 'ignored') ignored[each.reason] = (ignored[each.reason] ?? 0) + 1;
  const malformed = messages.flatMap((each) => (each.kind === 'malformed' ? [each.reason] : []));
  const isWell = malformed.length + Object.keys(failures).length === 0;
  return JSON.stringify({
    level: isWell ? 'INFO' : 'WARN',
    message: 'objects entered',
    objects: messages.length,
    partitions: registration.partitions,
    ...Object.fromEntries(Object.entries(counts).filter(([, count]) => count > 0)),
    ...(Object.keys(ignored).length > 0 && { ignored }),
    ...(malformed.length > 0 && { malformed }),
    ...(Object.keys(failures).length > 0 && { failures }),
  });
}
