/** The Catalog function in a run: the real handler behind a queue that tells twice, late, out of order and again. */
import type { SQSEvent } from 'aws-lambda';
import type { StateTablePort } from '../../processors/books/state-table.ts';
import { createCatalogHandler } from '../../processors/catalog.ts';
import type { StoredObject } from '../../processors/landed/objects.ts';
import type { Conditions } from './conditions.ts';
import { createFunctionHost } from './function-host.ts';
import { ARCHIVE_BUCKET, PROCESSED_BUCKET, type SimulatedObjects } from './objects.ts';
import { contextOf, createQueue } from './queue.ts';
import { createStatePort } from './state-ports.ts';

export interface SimulatedCatalog {
  /** Locations of the partitions that are registered. */
  readonly registered: ReadonlySet<string>;
  /** An object has appeared. */
  notify(object: StoredObject): void;
}

export const TAPE_FUNCTION = 'tape';
const TIMEOUT_MS = 60_000;
const REGISTERING_MS_MAX = 200;

export function createCatalog(
  conditions: Conditions,
  table: StateTablePort,
  objects: SimulatedObjects,
): SimulatedCatalog {
  const { time, say } = conditions;
  const random = conditions.random('catalog');
  const registered = new Set<string>();

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
      return (event, context) => handler(event, contextOf('catalog', context));
    },
    onInvoke: () => undefined,
    onAnswer: () => undefined,
  });

  const queue = createQueue({ name: 'landed', conditions, random, host });

  return {
    registered,
    notify({ bucket, key, sizeBytes, etag }) {
      const detail = { bucket: { name: bucket }, object: { key, size: sizeBytes, etag } };
      const body = JSON.stringify({
        'detail-type': 'Object Created',
        time: new Date(time.now()).toISOString(),
        detail,
      });
      queue.send(body);
    },
  };
}
