/** Counts a Parquet object's rows by its footer: one ranged read as a rule, two when the footer is long. */
import { type AsyncBuffer, parquetMetadataAsync } from 'hyparquet';
import { ObjectError, type ObjectsPort, type StoredObject } from './objects.ts';

/** What is read first. Footers of Firehose take some 10 KiB: it writes one row group of a few dozen columns. */
const FIRST_READ_BYTES = 65_536;
/** A longer footer is none of Firehose's. */
export const FOOTER_BYTES_MAX = 16_777_216;

/** @throws ObjectError when it cannot be read, or is no Parquet */
export async function countParquetRows(objects: ObjectsPort, object: StoredObject): Promise<number> {
  let failedRead: unknown;

  async function slice(from: number, to: number = object.sizeBytes): Promise<ArrayBuffer> {
    try {
      if (to - from > FOOTER_BYTES_MAX) {
        throw new ObjectError(object, `received a footer of over ${to - from} bytes, allowed: ${FOOTER_BYTES_MAX}`);
      }
      // A copy, since bytes from a network share their ArrayBuffer with others.
      return new Uint8Array(await objects.read(object, from, to)).buffer;
    } catch (error) {
      failedRead = error;
      throw error;
    }
  }

  const file: AsyncBuffer = { byteLength: object.sizeBytes, slice };
  try {
    const metadata = await parquetMetadataAsync(file, { initialFetchSize: FIRST_READ_BYTES, geoparquet: false });
    return Number(metadata.num_rows);
  } catch (error) {
    if (failedRead !== undefined) throw failedRead;
    // What the library makes of bytes that are no Parquet has no class of its own.
    const reason = Error.isError(error) ? error.message : String(error);
    throw new ObjectError(object, `received no Parquet footer (${reason})`, { cause: error });
  }
}
