/** What decoding needs to know besides the bytes. */
import type { Dataset } from '../../schemas/dataset.ts';

/**
 * Bytes that one gzip layer may hold, 10 MiB: the largest record that a stream can be set to take
 * (`MaxRecordSizeInKiB` 10,240, docs.aws.amazon.com/streams/latest/dev/large-records.html). What cannot be put on the
 * stream plainly is not let in by compressing it, and a bomb of 1 MiB, which could hold 1 GiB, costs 10 MiB.
 */
export const DECOMPRESSED_BYTES_MAX = 10 * 1024 * 1024;

/**
 * All gzip layers of one Kinesis record together may hold this many times the limit of one: an aggregate of a thousand
 * bombs costs as much as four.
 */
export const DECOMPRESSED_LAYERS_MAX = 4;

/**
 * Events that one Kinesis record may hold. A record of 1 MiB holds at most 100,000 events of some 10 bytes; beyond
 * that it is an attack on memory, and is one failure as a whole.
 */
export const EVENTS_PER_RECORD_MAX = 100_000;

export interface DecodeContext {
  /** By CloudEvents `type`. */
  readonly datasetByName: ReadonlyMap<string, Dataset>;
  /** By CRC-64-AVRO of the writer's schema. */
  readonly datasetByFingerprint: ReadonlyMap<bigint, Dataset>;
  /** The dataset of plain JSON. */
  readonly defaultDataset: Dataset;
  /** Bytes that one gzip layer may hold. */
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
