import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { type ListPage, listPage, type ReadRange, startAfter, startAfterMarker } from './list-page.ts';

interface Entry {
  readonly key: string;
}

const inOrder = (one: string, other: string): number => Buffer.compare(Buffer.from(one), Buffer.from(other));

/** Reads of a list in memory, counted. */
function readerOf(keys: readonly string[]): { readonly read: ReadRange<Entry>; readonly reads: () => number } {
  const sorted = [...new Set(keys)].sort(inOrder);
  let reads = 0;
  return {
    reads: () => reads,
    read(from, to, limit) {
      reads++;
      const within = sorted.filter((key) => {
        const bytes = Buffer.from(key);
        return Buffer.compare(bytes, from) >= 0 && Buffer.compare(bytes, to) < 0;
      });
      return within.slice(0, limit).map((key) => ({ key }));
    },
  };
}

/** What a listing is by its description: everything at once, in order. */
function naive(keys: readonly string[], prefix: string, delimiter: string): readonly string[] {
  const items = new Set<string>();
  for (const key of [...new Set(keys)].sort(inOrder)) {
    if (!key.startsWith(prefix)) continue;
    const at = delimiter === '' ? -1 : key.indexOf(delimiter, prefix.length);
    items.add(at < 0 ? key : key.slice(0, at + delimiter.length));
  }
  return [...items];
}

const itemsOf = (page: ListPage<Entry>): readonly string[] =>
  [...page.contents.map(({ key }) => key), ...page.commonPrefixes].sort(inOrder);

const letters = fc.constantFrom('a', 'b', '/', '//', 'é', '😀', '\uffff', '\u0001');
const text = (maxLength: number) => fc.array(letters, { maxLength }).map((parts) => parts.join(''));
const keyLists = fc.array(
  text(6).filter((key) => key !== ''),
  { maxLength: 40 },
);
const delimiters = fc.constantFrom('', '/', '//', 'b', 'é');

describe('listPage', () => {
  it('gives every key and common prefix once and in order, whatever the size of the pages', () => {
    fc.assert(
      fc.property(keyLists, text(2), delimiters, fc.integer({ min: 1, max: 7 }), (keys, prefix, delimiter, keysMax) => {
        const { read } = readerOf(keys);
        const pages: ListPage<Entry>[] = [];
        let from: Uint8Array | undefined = Buffer.of();

        while (from) {
          const page: ListPage<Entry> = listPage(read, { prefix, delimiter, from, keysMax });
          pages.push(page);
          from = page.next;
        }

        expect(pages.flatMap(itemsOf)).toEqual(naive(keys, prefix, delimiter));
        for (const page of pages.slice(0, -1)) expect(itemsOf(page)).toHaveLength(keysMax);
      }),
      { numRuns: 300 },
    );
  });

  it('goes on from its last item as a marker where it would go on by itself', () => {
    fc.assert(
      fc.property(keyLists, text(2), delimiters, fc.integer({ min: 1, max: 7 }), (keys, prefix, delimiter, keysMax) => {
        const { read } = readerOf(keys);
        const items: string[] = [];
        let from: Uint8Array | undefined = Buffer.of();

        while (from) {
          const page: ListPage<Entry> = listPage(read, { prefix, delimiter, from, keysMax });
          items.push(...itemsOf(page));
          from = page.next && startAfterMarker(page.last ?? '', prefix, delimiter);
        }

        expect(items).toEqual(naive(keys, prefix, delimiter));
      }),
    );
  });

  it('begins after any key that it is told', () => {
    fc.assert(
      fc.property(keyLists, text(4), (keys, after) => {
        const { read } = readerOf(keys);

        const page = listPage(read, { prefix: '', delimiter: '', from: startAfter(after), keysMax: 1_000 });

        expect(itemsOf(page)).toEqual(naive(keys, '', '').filter((key) => inOrder(key, after) > 0));
      }),
    );
  });

  it('orders by UTF-8, not by the units of JavaScript', () => {
    const { read } = readerOf(['\uffff', '😀', 'z']);

    const { contents } = listPage(read, { prefix: '', delimiter: '', from: Buffer.of(), keysMax: 10 });

    expect(contents.map(({ key }) => key)).toEqual(['z', '\uffff', '😀']);
  });

  it('gives an empty page when none is wanted, and does not call it a part', () => {
    const page = listPage(readerOf(['a']).read, { prefix: '', delimiter: '', from: Buffer.of(), keysMax: 0 });

    expect(page).toMatchObject({ contents: [], commonPrefixes: [], next: undefined });
  });

  it('skips what lies under a common prefix', () => {
    const days = [...Array(20)].map((_, day) => `day=${String(day).padStart(2, '0')}/`);
    const { read, reads } = readerOf(days.flatMap((day) => [...Array(50)].map((_, at) => `${day}${at}`)));

    const page = listPage(read, { prefix: '', delimiter: '/', from: Buffer.of(), keysMax: 1_000 });

    expect(page.commonPrefixes).toEqual(days);
    // Two a prefix at most, and not one for each fifty keys read one by one.
    expect(reads()).toBeLessThanOrEqual(2 * days.length);
  });
});
