/**
 * One page of a listing: keys in UTF-8 order, with those that share what precedes a delimiter rolled up into one common
 * prefix. A rolled-up prefix is skipped by one look-up, however many keys it has. Pure but for the reader it is given.
 */
import { upperBound } from './key-bound.ts';

export interface ListQuery {
  readonly prefix: string;
  /** Empty for none. */
  readonly delimiter: string;
  /** UTF-8 bytes at which the page begins, inclusive. */
  readonly from: Uint8Array;
  /** Keys and common prefixes together. */
  readonly keysMax: number;
}

export interface ListPage<Entry> {
  readonly contents: readonly Entry[];
  readonly commonPrefixes: readonly string[];
  /** Where the next page begins; undefined when this is the last. */
  readonly next: Uint8Array | undefined;
  /** The last key or common prefix of the page. */
  readonly last: string | undefined;
}

/** Entries in the order of their keys, at most `limit`. @param from inclusive @param to exclusive */
export type ReadRange<Entry> = (from: Uint8Array, to: Uint8Array, limit: number) => readonly Entry[];

/** Rows read after a common prefix: what follows is often another one. */
const READ_FIRST = 2;

export function listPage<Entry extends { readonly key: string }>(
  read: ReadRange<Entry>,
  query: ListQuery,
): ListPage<Entry> {
  const { delimiter, keysMax } = query;
  const prefix = Buffer.from(query.prefix);
  const end = upperBound(prefix);
  const contents: Entry[] = [];
  const commonPrefixes: string[] = [];
  let at: Uint8Array = Buffer.compare(query.from, prefix) > 0 ? query.from : prefix;
  let last: string | undefined;
  if (keysMax === 0) return { contents, commonPrefixes, next: undefined, last };
  for (let limit = delimiter === '' ? keysMax + 1 : READ_FIRST; ; limit = Math.min(limit * 2, keysMax + 1)) {
    const entries = read(at, end, limit);
    const exhausted = entries.length < limit;
    for (const entry of entries) {
      const key = Buffer.from(entry.key);
      if (Buffer.compare(key, at) < 0) continue;
      if (contents.length + commonPrefixes.length === keysMax) return { contents, commonPrefixes, next: at, last };
      const rolledUp = commonPrefix(entry.key, query.prefix, delimiter);
      last = rolledUp ?? entry.key;
      if (rolledUp === undefined) {
        contents.push(entry);
        at = successor(key);
      } else {
        commonPrefixes.push(rolledUp);
        at = upperBound(Buffer.from(rolledUp));
        limit = READ_FIRST;
      }
    }
    if (exhausted) return { contents, commonPrefixes, next: undefined, last };
  }
}

/** Where a listing begins that leaves out `key` and those before it. */
export function startAfter(key: string): Uint8Array {
  return successor(Buffer.from(key));
}

/**
 * Where ListObjects goes on after a marker: behind the common prefix that it is rolled up into, if there is one, because a
 * client gives the last key or common prefix of the page before.
 */
export function startAfterMarker(marker: string, prefix: string, delimiter: string): Uint8Array {
  const rolledUp = commonPrefix(marker, prefix, delimiter);
  return rolledUp === undefined ? startAfter(marker) : upperBound(Buffer.from(rolledUp));
}

function commonPrefix(key: string, prefix: string, delimiter: string): string | undefined {
  if (delimiter === '' || !key.startsWith(prefix)) return undefined;
  const found = key.indexOf(delimiter, prefix.length);
  return found < 0 ? undefined : key.slice(0, found + delimiter.length);
}

function successor(key: Uint8Array): Uint8Array {
  return Buffer.concat([key, Buffer.of(0)]);
}
