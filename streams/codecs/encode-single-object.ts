/** Avro single-object encoding of a record: `C3 01`, the schema's fingerprint, and the body. */
import type { Dataset } from '../../schemas/dataset.ts';

/** @throws when the record does not conform to the dataset's schema */
export function encodeSingleObject(dataset: Dataset, record: unknown): Buffer {
  const { singleObjectHeader } = dataset;
  const body = dataset.encodeAvro(record);
  const data = Buffer.allocUnsafe(singleObjectHeader.length + body.length);
  data.set(singleObjectHeader);
  data.set(body, singleObjectHeader.length);
  return data;
}
