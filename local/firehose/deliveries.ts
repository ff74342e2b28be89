/**
 * Delivers closed spools to S3, a few at a time, and again until each has arrived: what S3 refuses stays on disk.
 * Firehose keeps trying for 24 h (https://docs.aws.amazon.com/firehose/latest/dev/retry.html); here there is no end.
 */
import { rmSync, statSync } from 'node:fs';
import path from 'node:path';
import type { Clock, Timer } from '../clock.ts';
import type { DuckDb } from '../duckdb/open-duckdb.ts';
import type { ObjectStore } from '../ports.ts';
import type { Spool, SpoolFolder } from './spool.ts';
import { writeParquet } from './write-parquet.ts';

export interface DeliveriesOptions {
  readonly clock: Clock;
  readonly objects: ObjectStore;
  readonly spools: SpoolFolder;
  readonly duckDb: () => Promise<DuckDb>;
  /** Folder for Parquet files on their way. */
  readonly outgoing: string;
  readonly onFailure: (spool: Spool, reason: string) => void;
}

export interface Deliveries {
  /** Delivers a closed spool. */
  add(spool: Spool): void;
  /** Tries everything that waits and resolves once all is delivered. @throws Error naming what could not be */
  settle(): Promise<void>;
  /** True while a delivery runs or could; one that waits to be tried again does not count. */
  busy(): boolean;
  /** Begins no other delivery and resolves when none runs; what waits stays on disk. */
  stop(): Promise<void>;
}

const CONCURRENT_MAX = 2;
const RETRY_MS = { first: 1_000, most: 60_000 };

export function createDeliveries(options: DeliveriesOptions): Deliveries {
  const queue: Spool[] = [];
  const retrying = new Map<Spool, { readonly timer: Timer; readonly reason: string }>();
  const attempts = new Map<Spool, number>();
  let running = 0;
  let whenDone: (() => void)[] = [];
  let stopped = false;

  function pump(): void {
    while (running < CONCURRENT_MAX && !stopped) {
      const spool = queue.shift();
      if (!spool) break;
      running++;
      void deliver(spool, options)
        .then(() => void attempts.delete(spool))
        .catch((error: unknown) => retryLater(spool, Error.isError(error) ? error.message : String(error)))
        .finally(() => {
          running--;
          pump();
        });
    }
    if (running > 0 || (queue.length > 0 && !stopped)) return;
    const done = whenDone;
    whenDone = [];
    for (const resolve of done) resolve();
  }

  function retryLater(spool: Spool, reason: string): void {
    const failures = (attempts.get(spool) ?? 0) + 1;
    attempts.set(spool, failures);
    const delayMs = Math.min(RETRY_MS.first * 2 ** (failures - 1), RETRY_MS.most);
    const timer = options.clock.after(delayMs, () => tryAgain(spool));
    retrying.set(spool, { timer, reason });
    options.onFailure(spool, reason);
  }

  function tryAgain(spool: Spool): void {
    retrying.get(spool)?.timer.cancel();
    if (retrying.delete(spool)) queue.push(spool);
    pump();
  }

  return {
    add(spool) {
      queue.push(spool);
      pump();
    },
    async settle() {
      for (const spool of [...retrying.keys()]) tryAgain(spool);
      if (running > 0 || (queue.length > 0 && !stopped))
        await new Promise<void>((resolve) => void whenDone.push(resolve));
      const [first] = retrying;
      if (!first) return;
      const [spool, { reason }] = first;
      throw new Error(
        `${retrying.size} objects could not be delivered, such as s3://${spool.bucket}/${spool.key}: ${reason}`,
      );
    },
    busy: () => running > 0 || queue.length > 0,
    async stop() {
      stopped = true;
      if (running > 0) await new Promise<void>((resolve) => void whenDone.push(resolve));
      for (const { timer } of retrying.values()) timer.cancel();
    },
  };
}

async function deliver(spool: Spool, options: DeliveriesOptions): Promise<void> {
  const { objects, spools } = options;
  const rowsFile = spools.fileOf(spool.id);
  if (statSync(rowsFile).size > 0) {
    let file = rowsFile;
    if (spool.content === 'rows') {
      file = path.join(options.outgoing, `${spool.id}.parquet`);
      // One that was put and failed may share its content with the object: it is not written into.
      rmSync(file, { force: true });
      await writeParquet(await options.duckDb(), { rowsFile, columns: spool.columns }, file);
    }
    const contentType = 'application/octet-stream';
    await objects.put({ bucket: spool.bucket, key: spool.key, content: { file }, contentType });
  }
  spools.remove(spool.id);
}
