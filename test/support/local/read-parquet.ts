/** Reads a Parquet file's rows by hyparquet, which shares no code with what the local Firehose writes by. */
import { parquetReadObjects } from 'hyparquet';

/** Timestamps and dates are `Date`s cut to milliseconds, bigints BigInt, decimals as hyparquet has them: doubles. */
export function readParquet(file: Buffer): Promise<Record<string, unknown>[]> {
  const buffer = new Uint8Array(file).buffer;
  return parquetReadObjects({ file: { byteLength: buffer.byteLength, slice: (from, to) => buffer.slice(from, to) } });
}
