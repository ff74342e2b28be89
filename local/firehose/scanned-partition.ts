/** Partition keys from the bytes of a scanned document, for queries that name columns of text. */
import { parseHiveType } from '../glue/hive-type.ts';
import type { CatalogColumn } from '../ports.ts';
import type { KeyPath, PartitionQuery } from './partition-query.ts';
import type { RowScanner } from './row-scanner.ts';

/** The keys of the document that the scanner scanned last; undefined when the parser has to look at them. */
export type ScannedPartition = (bytes: Buffer, scanner: RowScanner) => readonly string[] | undefined;

type ReadKey = (bytes: Buffer, scanner: RowScanner) => string | undefined;

const QUOTE = 34;
const TEXT_KINDS = new Set(['string', 'varchar', 'char', 'date', 'timestamp']);

/** Undefined when a key of the query is no column of text. */
export function scannedPartition(
  query: PartitionQuery,
  columns: readonly CatalogColumn[],
): ScannedPartition | undefined {
  const keys: ReadKey[] = [];
  for (const path of query.paths) {
    const [column = '', ...deeper] = path.steps;
    const index = columns.findIndex((one) => one.name.toLowerCase() === column);
    const type = columns[index]?.type;
    if (deeper.length > 0 || type === undefined || !TEXT_KINDS.has(parseHiveType(type).kind)) return undefined;
    keys.push(readKey(index, path));
  }
  return (bytes, scanner) => {
    const values: string[] = [];
    for (const key of keys) {
      const value = key(bytes, scanner);
      if (value === undefined) return undefined;
      values.push(value);
    }
    return values;
  };
}

function readKey(index: number, path: KeyPath): ReadKey {
  let last = '';
  return (bytes, scanner) => {
    const start = scanner.starts[index] ?? 0;
    if (bytes[start] !== QUOTE || start === 0) return undefined;
    const first = start + 1;
    const to = Math.min(first + path.to, (scanner.ends[index] ?? 0) - 1);
    const from = first + path.from;
    if (from >= to) return undefined;
    // A slice counts characters: bytes are as good only as long as there is nothing but ASCII.
    for (let at = first; at < to; at++) if ((bytes[at] ?? 0) > 127) return undefined;
    // Neighbours mostly lie in the same partition, and comparing is cheaper than making the same text again.
    if (!isText(bytes, from, to, last)) last = bytes.toString('latin1', from, to);
    return last;
  };
}

function isText(bytes: Buffer, from: number, to: number, text: string): boolean {
  if (to - from !== text.length) return false;
  for (let at = 0; at < text.length; at++) if (bytes[from + at] !== text.charCodeAt(at)) return false;
  return true;
}
