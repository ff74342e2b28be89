/**
 * The Catalog function: registers a partition in Glue when an object lands in it. Messages of the queue are EventBridge
 * events of the processed bucket; a message whose partition could not be registered is tried again alone.
 */
import { BatchProcessorSync, EventType, processPartialResponseSync } from '@aws-lambda-powertools/batch';
import type { Context, SQSBatchResponse, SQSEvent, SQSRecord } from 'aws-lambda';
import { isRecord } from '../schemas/describe.ts';
import { partitionOfKey, type TablePartition } from './partition-of-key.ts';

/** Registers partitions of one table; idempotent. */
export interface PartitionsPort {
  /** @returns for each partition that could not be registered, by `location`, why */
  register(table: string, partitions: readonly TablePartition[]): Promise<ReadonlyMap<string, string>>;
}

export interface CatalogPorts {
  readonly partitions: PartitionsPort;
  readonly log: (line: string) => void;
}

export type CatalogHandler = (event: SQSEvent, context: Context) => Promise<SQSBatchResponse>;

/** What a message asks for: a partition, or nothing, with the reason; or why it cannot be read. */
type Reading = { readonly partition: TablePartition } | { readonly ignored: string } | { readonly malformed: string };

/**
 * A message that cannot be read fails alone, and ends in the dead-letter queue, where someone sees it.
 * @param bucket name of the processed bucket
 */
export function createCatalogHandler(bucket: string, ports: CatalogPorts): CatalogHandler {
  // Locations that are known to be registered; lost with the process, which costs one idempotent call each.
  const known = new Set<string>();

  return async (event, context) => {
    const readings = new Map(event.Records.map((record) => [record.messageId, readMessage(record.body, bucket)]));
    const wanted = new Map<string, TablePartition>();
    const ignored = new Map<string, number>();
    for (const reading of readings.values()) {
      if ('ignored' in reading) ignored.set(reading.ignored, (ignored.get(reading.ignored) ?? 0) + 1);
      else if ('partition' in reading && !known.has(reading.partition.location))
        wanted.set(reading.partition.location, reading.partition);
    }
    const failures = await registerAll([...wanted.values()], ports.partitions);
    for (const location of wanted.keys()) if (!failures.has(location)) known.add(location);
    const malformed = [...readings.values()].flatMap((reading) => ('malformed' in reading ? [reading.malformed] : []));

    ports.log(
      JSON.stringify({
        level: failures.size + malformed.length === 0 ? 'INFO' : 'WARN',
        message: 'partitions registered',
        objects: event.Records.length,
        partitions: wanted.size - failures.size,
        ...(ignored.size > 0 && { ignored: Object.fromEntries(ignored) }),
        ...(malformed.length > 0 && { malformed }),
        ...(failures.size > 0 && { failures: Object.fromEntries(failures) }),
      }),
    );

    const answer = (record: SQSRecord): void => {
      const reading = readings.get(record.messageId);
      if (reading && 'malformed' in reading) throw new Error(reading.malformed);
      const reason = reading && 'partition' in reading ? failures.get(reading.partition.location) : undefined;
      if (reason !== undefined) throw new Error(reason);
    };
    return processPartialResponseSync(event, answer, new BatchProcessorSync(EventType.SQS), {
      context,
      throwOnFullBatchFailure: false,
    });
  };
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

function readMessage(body: string, bucket: string): Reading {
  let event: unknown;
  try {
    event = JSON.parse(body);
  } catch {
    return { malformed: 'received no JSON, allowed: an EventBridge event' };
  }
  const detail = memberOf(event, 'detail');
  const name = memberOf(memberOf(detail, 'bucket'), 'name');
  const key = memberOf(memberOf(detail, 'object'), 'key');
  if (typeof name !== 'string' || typeof key !== 'string') {
    return { malformed: 'received no detail.bucket.name and detail.object.key, allowed: an event of an S3 object' };
  }
  if (name !== bucket) return { ignored: 'object of another bucket' };
  const partition = partitionOfKey(bucket, key);
  return partition ? { partition } : { ignored: 'object outside a partition' };
}

function memberOf(value: unknown, name: string): unknown {
  return isRecord(value) && Object.hasOwn(value, name) ? value[name] : undefined;
}
