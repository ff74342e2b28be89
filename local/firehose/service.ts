/**
 * Firehose: Direct PUT, dynamic partitioning and conversion to Parquet, as far as README.md says.
 *
 * A put is answered when every document is on disk, as a row or as a failure, so that a killed process loses nothing
 * that was accepted. Parsing and conversion run in a thread of their own; Parquet is written by DuckDB's threads.
 */
import { mkdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import { type DuckDb, openDuckDb } from '../duckdb/open-duckdb.ts';
import { FaultSwitch } from '../faults/fault-switch.ts';
import type { Catalog, CatalogColumn, LogSink, ObjectStore } from '../ports.ts';
import type { Environment, LocalService, ResourceKind } from '../service.ts';
import { createBuffers } from './buffers.ts';
import { createDeliveries } from './deliveries.ts';
import { type DeliveryStream, EXECUTED_PROPERTIES, parseDeliveryStream } from './delivery-stream.ts';
import { firehoseOperations } from './operations.ts';
import { rowConverter } from './row-converter.ts';
import { openSpoolFolder, type Spool } from './spool.ts';
import { startConversionThread } from './start-conversion-thread.ts';

export interface FirehosePorts {
  readonly objects: ObjectStore;
  readonly catalog: Catalog;
  readonly logs: LogSink;
}

export interface FirehoseService extends LocalService {
  /** Delivers every buffer now, whatever its age. @throws Error when S3 refuses */
  flush(): Promise<void>;
  readonly faults: FaultSwitch;
}

/** A delivery stream that the template made, and the columns that its conversion thread knows. */
interface Running {
  readonly stream: DeliveryStream;
  readonly createdAtMs: number;
  columns: readonly CatalogColumn[] | undefined;
}

const DUCKDB_MEMORY_MB_MAX = 1024;
/** A second thread costs more than it brings: two deliveries run beside each other anyway. */
const DUCKDB_THREADS = 1;
/** https://docs.aws.amazon.com/firehose/latest/APIReference/API_CreateDeliveryStream.html */
const NAME_CHARS_MAX = 64;

export function createFirehoseService(environment: Environment, ports: FirehosePorts): FirehoseService {
  const folder = environment.folder('firehose');
  const outgoing = path.join(folder, 'outgoing');
  const spoolFolder = path.join(folder, 'spool');
  // What a killed process was about to deliver is made again from its spool.
  rmSync(outgoing, { recursive: true, force: true });
  mkdirSync(outgoing, { recursive: true });
  const spools = openSpoolFolder(spoolFolder);
  const running = new Map<string, Running>();
  // Before anything is taken in: a buffer of this process must not pass for one that a killed process left.
  const leftovers = spools.leftovers();
  const thread = startConversionThread({ spoolFolder }, () => {
    for (const entry of running.values()) entry.columns = undefined;
    buffers.lost();
  });
  let duckDb: Promise<DuckDb> | undefined;
  let stopping: Promise<void> | undefined;

  const deliveries = createDeliveries({
    clock: environment.clock,
    objects: ports.objects,
    spools,
    outgoing,
    duckDb() {
      duckDb ??= openDuckDb({
        memoryMbMax: DUCKDB_MEMORY_MB_MAX,
        threads: DUCKDB_THREADS,
        spillFolder: path.join(folder, 'spill'),
      });
      return duckDb;
    },
    onFailure: (spool, reason) => logFailure(running.get(spool.streamName)?.stream, spool, reason),
  });
  const buffers = createBuffers(environment.clock, thread, deliveries);

  function logFailure(stream: DeliveryStream | undefined, spool: Spool, reason: string): void {
    if (!stream?.logging) return;
    const message = JSON.stringify({
      deliveryStreamARN: stream.arn,
      destination: `arn:aws:s3:::${spool.bucket}`,
      deliveryStreamVersionId: 1,
      message: reason,
      errorCode: 'S3.DeliveryFailed',
    });
    ports.logs.write(stream.logging.group, stream.logging.stream, [{ timestampMs: environment.clock.now(), message }]);
  }

  /** The table is looked up at every put: a changed table counts from the next record on. */
  async function takeIn(entry: Running, data: Uint8Array, ends: readonly number[]): Promise<void> {
    const { stream } = entry;
    const columns = ports.catalog.table(stream.database, stream.table)?.columns;
    if (columns && columns !== entry.columns) {
      entry.columns = columns;
      const table = {
        catalogId: environment.account,
        region: environment.region,
        databaseName: stream.database,
        tableName: stream.table,
      };
      try {
        await buffers.configure({ ...stream, table, columns }, stream.bufferIntervalMs);
      } catch (error) {
        entry.columns = undefined;
        throw error;
      }
    }
    await buffers.take(stream.name, data, ends);
  }

  const { clock } = environment;
  const faults = new FaultSwitch({ scope: 'firehose', clock, handle: () => handle, batches: ['PutRecordBatch'] });
  const handle = firehoseOperations({
    environment,
    faults,
    names: () => [...running.keys()].sort(),
    find: (name) => running.get(name),
    takeIn: async (name, data, ends) => {
      const entry = running.get(name);
      if (entry) await takeIn(entry, data, ends);
    },
  });

  return {
    scope: 'firehose',
    handle,
    resourceKinds: [
      deliveryStreamKind((stream) => {
        const table = ports.catalog.table(stream.database, stream.table);
        if (!table)
          throw new Error(`Delivery stream ${stream.name}: there is no Glue table ${stream.database}.${stream.table}.`);
        checkColumns(stream, table.columns);
        running.set(stream.name, { stream, createdAtMs: environment.clock.now(), columns: undefined });
      }),
    ],
    start() {
      for (const spool of leftovers.splice(0)) deliveries.add(spool);
    },
    idle: () => !buffers.busy(),
    flush: () => buffers.flush(),
    faults,
    stop: () => {
      stopping ??= stop();
      return stopping;
    },
  };

  async function stop(): Promise<void> {
    // What S3 refuses has been logged, and stays on disk for the next start.
    await buffers.flush().catch(() => undefined);
    buffers.stop();
    await thread.stop();
    await deliveries.stop();
    (await duckDb)?.close();
    duckDb = undefined;
  }
}

function checkColumns(stream: DeliveryStream, columns: readonly CatalogColumn[]): void {
  try {
    rowConverter(columns);
  } catch (error) {
    throw new Error(`Delivery stream ${stream.name}: ${Error.isError(error) ? error.message : String(error)}`);
  }
}

function deliveryStreamKind(add: (stream: DeliveryStream) => void): ResourceKind {
  return {
    type: 'AWS::KinesisFirehose::DeliveryStream',
    executed: EXECUTED_PROPERTIES,
    inert: {
      DeliveryStreamEncryptionConfigurationInput: 'nothing is encrypted locally',
      Tags: 'tags have no effect',
    },
    identify(properties, context) {
      const given = properties.DeliveryStreamName;
      const name =
        typeof given === 'string' ? given : `${context.stackName}-${context.logicalId}`.slice(0, NAME_CHARS_MAX);
      const arn = `arn:aws:firehose:${context.region}:${context.account}:deliverystream/${name}`;
      return { ref: name, attributes: { Arn: arn } };
    },
    create: (properties, identity) => add(parseDeliveryStream(properties, identity)),
  };
}
