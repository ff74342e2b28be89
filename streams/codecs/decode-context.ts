/** What decoding needs to know besides the bytes. */
import type { Dataset } from '../../schemas/dataset.ts';

/**
 * Bytes that the gzip layers of one Kinesis record may hold together, 10 MiB: the largest record that a stream can be
 * set to take (`MaxRecordSizeInKiB` 10,240, docs.aws.amazon.com/streams/latest/dev/large-records.html). What cannot be
 * put on the stream plainly is not let in by compressing it: a bomb of 1 MiB, which could hold 1 GiB, costs 10 MiB, and
 * so does an aggregate of a thousand bombs. A payload with which the record would hold more is one failure.
 */
export const DECOMPRESSED_BYTES_MAX = 10 * 1024 * 1024;

/**
 * Events that one Kinesis record may hold, over all batches and aggregates in it; a batch with which it would hold more
 * is one failure, and so is an aggregate of more. Each event may become a row of `failed_events` of a kilobyte, so this
 * bounds what a few bytes of gzip can demand to 10 MB or so. An aggregate of the KPL's default 51,200 bytes cannot hold
 * more: it takes 6 bytes a user record besides the data. The producer here keeps to it whatever size its aggregates are
 * set to.
 */
export const EVENTS_PER_RECORD_MAX = 10_000;

export interface DecodeContext {
  /** By CloudEvents `type`. */
  readonly datasetByName: ReadonlyMap<string, Dataset>;
  /** By CRC-64-AVRO of the writer's schema. */
  readonly datasetByFingerprint: ReadonlyMap<bigint, Dataset>;
  /** The dataset of plain JSON. */
  readonly defaultDataset: Dataset;
  /** Bytes that the gzip layers of one Kinesis record may hold together. */
  readonly decompressedBytesMax: number;
  /** `source` of events whose format has none: plain JSON and bare Avro. */
  readonly defaultSource: string;
}

export interface DecodeContextOptions {
  /** Such as `datasets.values()` of `schemas/index.ts`. */
  readonly datasets: Iterable<Dataset>;
  /** Name of one of `datasets`. */
  readonly defaultDataset: string;
  /** A URI reference, as CloudEvents has it. */
  readonly defaultSource: string;
  /** Default `DECOMPRESSED_BYTES_MAX`. */
  readonly decompressedBytesMax?: number;
}

/** @throws when the default dataset is none of the datasets, or two datasets share a name or a schema */
export function createDecodeContext(options: DecodeContextOptions): DecodeContext {
  const datasetByName = new Map<string, Dataset>();
  const datasetByFingerprint = new Map<bigint, Dataset>();
  for (const dataset of options.datasets) {
    const fingerprint = fingerprintAt(Buffer.from(dataset.singleObjectHeader), 0);
    const twin = datasetByName.get(dataset.name) ?? datasetByFingerprint.get(fingerprint);
    if (twin !== undefined) {
      throw new Error(
        `Dataset "${dataset.name}" has the name or the schema of dataset "${twin.name}"; both are unique.`,
      );
    }
    datasetByName.set(dataset.name, dataset);
    datasetByFingerprint.set(fingerprint, dataset);
  }
  const defaultDataset = datasetByName.get(options.defaultDataset);
  if (defaultDataset === undefined) {
    throw new Error(
      `The default dataset "${options.defaultDataset}" is unknown; the datasets are ${quoted(datasetByName.keys())}.`,
    );
  }
  return {
    datasetByName,
    datasetByFingerprint,
    defaultDataset,
    decompressedBytesMax: options.decompressedBytesMax ?? DECOMPRESSED_BYTES_MAX,
    defaultSource: options.defaultSource,
  };
}

/** The fingerprint in a single-object header that starts at `start`. */
export function fingerprintAt(data: Buffer, start: number): bigint {
  return data.readBigUInt64LE(start + 2);
}

/** Names as `"a", "b"`. */
export function quoted(names: Iterable<string>): string {
  return [...names].map((name) => JSON.stringify(name)).join(', ');
}
