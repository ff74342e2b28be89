/**
 * The documents of an error object of Firehose: a line of JSON each, with the document that it could not deliver in
 * `rawData`, base64. Source: firehose/latest/dev/retry.html
 */

import type { PackedRecord } from '../../processors/ports.ts';
import { isRecord } from '../../schemas/describe.ts';

/** Bytes of a Firehose record before base64: firehose/latest/dev/limits.html */
const RECORD_BYTES_MAX = 1_000 * 1_024;
/** Documents that one record may hold to be de-aggregated: firehose/latest/dev/dynamic-partitioning.html */
const DOCUMENTS_MAX = 500;

const NEWLINE = Buffer.from('\n');

/** @throws Error naming the line that has no document */
export function readMisdelivered(text: string): readonly Buffer[] {
  const lines = text.split('\n').filter((line) => line !== '');
  return lines.map((line, index) => {
    const rawData = rawDataOf(line);
    if (rawData === undefined) throw new Error(`line ${index + 1}: received no rawData in base64`);
    return rawData;
  });
}

function rawDataOf(line: string): Buffer | undefined {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return undefined;
  }
  const rawData = isRecord(value) ? value.rawData : undefined;
  if (typeof rawData !== 'string') return undefined;
  const bytes = Buffer.from(rawData, 'base64');
  return bytes.at(-1) === NEWLINE[0] ? bytes : Buffer.concat([bytes, NEWLINE]);
}

/** Documents together in records, as the processor packs them. */
export function packDocuments(documents: readonly Buffer[]): readonly PackedRecord[] {
  const records: PackedRecord[] = [];
  let together: Buffer[] = [];
  let bytes = 0;
  const seal = (): void => {
    if (together.length === 0) return;
    records.push({ data: Buffer.concat(together), documents: together.length, recordIndexMin: records.length });
    together = [];
    bytes = 0;
  };
  for (const document of documents) {
    if (bytes + document.length > RECORD_BYTES_MAX || together.length >= DOCUMENTS_MAX) seal();
    together.push(document);
    bytes += document.length;
  }
  seal();
  return records;
}
