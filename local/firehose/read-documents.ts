/** The documents of a record: where each lies, its partition, and its row or why there is none. Pure. */
import { isUtf8 } from 'node:buffer';
import type { CatalogColumn } from '../ports.ts';
import type { ErrorOutputType } from './failed-record.ts';
import { compilePartitionQuery, type PartitionQuery } from './partition-query.ts';
import { type ConversionFailure, type RowConverter, rowConverter } from './row-converter.ts';
import { type RowScanner, rowScanner } from './row-scanner.ts';
import { type ScannedPartition, scannedPartition } from './scanned-partition.ts';
import { documentReader, type SplitDocument, startOfDocument } from './split-documents.ts';

/** A document that the scanner took, or what the parser made of it. */
export type Document =
  | { readonly kind: 'row'; readonly partition: readonly string[]; readonly from: number; readonly to: number }
  | SplitDocument;

/** `text` is the row where that is not what the document already says. */
export type Row = { readonly partition: readonly string[]; readonly text?: string };
export type Failure = readonly [type: ErrorOutputType, code: string, message: string];

export interface DocumentPlan {
  readonly query: PartitionQuery | undefined;
  readonly deAggregates: boolean;
  readonly converter: RowConverter;
  readonly scanner: RowScanner;
  /** Undefined when the partition keys can only be read from parsed documents. */
  readonly scanned: ScannedPartition | undefined;
}

/** https://docs.aws.amazon.com/firehose/latest/dev/dynamic-partitioning-multirecord-deaggergation.html */
const SUB_RECORDS_MAX = 500;
/** The one partition of a stream without dynamic partitioning. */
const NO_KEYS = { values: [''] } as const;

/** @throws Error naming a column or a query that is not supported */
export function documentPlan(stream: {
  readonly partitionQuery: string | undefined;
  readonly deAggregates: boolean;
  readonly columns: readonly CatalogColumn[];
}): DocumentPlan {
  const query = stream.partitionQuery === undefined ? undefined : compilePartitionQuery(stream.partitionQuery);
  return {
    query,
    deAggregates: stream.deAggregates,
    converter: rowConverter(stream.columns),
    scanner: rowScanner(stream.columns),
    scanned: query ? scannedPartition(query, stream.columns) : () => NO_KEYS.values,
  };
}

/** The documents, or why the whole record fails. */
export function readDocuments(bytes: Buffer, plan: DocumentPlan): { readonly documents: Document[] } | Failure {
  if (!isUtf8(bytes)) return malformed('the record is not valid UTF-8');
  const documents = split(bytes, plan);
  if (documents.length === 0) return malformed('the record is empty');
  if (plan.deAggregates && documents.length > SUB_RECORDS_MAX) {
    const message = `the record holds more than the ${SUB_RECORDS_MAX} sub-records that are allowed`;
    return ['processing-failed', 'RecordDeAggregation.TooManySubRecords', message];
  }
  if (plan.query && !plan.deAggregates && documents.length > 1)
    return unpartitioned('several JSON documents in a record that is not de-aggregated');
  return { documents };
}

/** With de-aggregation it stops once there are too many. */
function split(bytes: Buffer, { scanner, scanned, deAggregates }: DocumentPlan): Document[] {
  const documentsMax = deAggregates ? SUB_RECORDS_MAX + 1 : Number.POSITIVE_INFINITY;
  const documents: Document[] = [];
  const reader = documentReader(bytes);
  let at = startOfDocument(bytes, 0);
  while (at < bytes.length && documents.length < documentsMax) {
    const end = scanned ? scanner.scan(bytes, at) : -1;
    const partition = end < 0 ? undefined : scanned?.(bytes, scanner);
    const document: Document = partition ? { kind: 'row', partition, from: at, to: end } : reader.read(at);
    documents.push(document);
    at = startOfDocument(bytes, document.to);
  }
  return documents;
}

export function rowOf(bytes: Buffer, document: Document, plan: DocumentPlan): Row | Failure {
  if (document.kind === 'row') return document;
  const { query, converter } = plan;
  if (document.kind === 'broken')
    return query
      ? unpartitioned('Non JSON record provided')
      : ['format-conversion-failed', 'DataFormatConversion.ParseError', 'the data is not valid JSON'];
  const { value, from, to } = document;
  const keys = query?.extract(value) ?? NO_KEYS;
  if ('problem' in keys) return unpartitioned(keys.problem);
  const partition = keys.values;
  if (document.oneLine && converter.conforms(value)) return { partition };
  const text = convert(converter, value, bytes.toString('utf8', from, to));
  if (typeof text === 'string') return { partition, text };
  return ['format-conversion-failed', text.code, text.message];
}

export function unpartitioned(message: string): Failure {
  return ['processing-failed', 'DynamicPartitioning.MetadataExtractionFailed', message];
}

function malformed(message: string): Failure {
  return ['format-conversion-failed', 'DataFormatConversion.MalformedData', message];
}

function convert(converter: RowConverter, value: unknown, text: string): string | ConversionFailure {
  try {
    return converter.convert(value, text);
  } catch (error) {
    // The stack is used up.
    if (!(error instanceof RangeError)) throw error;
    return { code: 'DataFormatConversion.MalformedData', message: 'the document nests too deeply' };
  }
}
