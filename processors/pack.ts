/**
 * Packs JSON documents into Firehose records, and those into calls. Firehose bills each record rounded up to 5 KB and
 * splits a record into its documents again (RecordDeAggregation), so full records are cheap records.
 */
import type { DeliveryCall, PackedRecord } from './ports.ts';
import { type Document, documentBytes, documentBytesMax } from './stages/route.ts';

/** Documents that one record may hold to be de-aggregated: firehose/latest/dev/dynamic-partitioning.html */
export const DOCUMENTS_PER_RECORD_MAX = 500;
/** Bytes of a record before base64: firehose/latest/dev/limits.html */
export const RECORD_BYTES_MAX = 1_000 * 1_024;
/** Records and bytes of a PutRecordBatch: firehose/latest/dev/limits.html */
export const RECORDS_PER_CALL_MAX = 500;
export const CALL_BYTES_MAX = 4 * 1_024 * 1_024;

const NEWLINE = 0x0a;

export interface Packer {
  /** Takes a document; returns a call that has become full, if one has. */
  add(document: Document): DeliveryCall | undefined;
  /** What is left. */
  flush(): readonly DeliveryCall[];
}

/**
 * A packer for one batch. Documents keep their order within their table.
 * @param documentsPerRecordMax 1 to `DOCUMENTS_PER_RECORD_MAX`
 */
export function createPacker(documentsPerRecordMax = DOCUMENTS_PER_RECORD_MAX): Packer {
  const tables = new Map<string, TablePacker>();
  return {
    add(document) {
      let table = tables.get(document.table);
      if (!table) {
        table = createTablePacker(document.table, documentsPerRecordMax);
        tables.set(document.table, table);
      }
      return table.add(document);
    },
    flush: () => [...tables.values()].flatMap((table) => table.flush()),
  };
}

interface TablePacker {
  add(document: Document): DeliveryCall | undefined;
  flush(): DeliveryCall[];
}

function createTablePacker(table: string, documentsMax: number): TablePacker {
  let buffer = Buffer.allocUnsafe(0);
  let used = 0;
  let documents = 0;
  let recordIndexMin = Number.POSITIVE_INFINITY;
  let records: PackedRecord[] = [];
  let bytes = 0;

  function seal(): DeliveryCall | undefined {
    if (documents === 0) return undefined;
    const full = records.length >= RECORDS_PER_CALL_MAX || bytes + used > CALL_BYTES_MAX ? take() : undefined;
    records.push({ data: buffer.subarray(0, used), documents, recordIndexMin });
    bytes += used;
    // What was sealed is sent from where it stands; the rest of the buffer goes on.
    buffer = buffer.subarray(used);
    used = 0;
    documents = 0;
    recordIndexMin = Number.POSITIVE_INFINITY;
    return full;
  }

  function take(): DeliveryCall | undefined {
    if (records.length === 0) return undefined;
    const call = { table, records };
    records = [];
    bytes = 0;
    return call;
  }

  return {
    add(document) {
      const { json, columns, recordIndex } = document;
      let size = documentBytesMax(document) + 1;
      if (used + size > RECORD_BYTES_MAX) size = documentBytes(document) + 1;
      const full = documents >= documentsMax || used + size > RECORD_BYTES_MAX ? seal() : undefined;
      if (used + size > buffer.length) {
        const larger = Buffer.allocUnsafe(RECORD_BYTES_MAX + size);
        buffer.copy(larger, 0, 0, used);
        buffer = larger;
      }
      used += buffer.write(json, used, 'utf8');
      if (columns !== undefined) {
        columns.write(buffer, used);
        used += columns.bytes;
      }
      buffer[used] = NEWLINE;
      used += 1;
      documents += 1;
      recordIndexMin = Math.min(recordIndexMin, recordIndex);
      return full;
    },
    flush() {
      const full = seal();
      const rest = take();
      return [full, rest].filter((call) => call !== undefined);
    },
  };
}
