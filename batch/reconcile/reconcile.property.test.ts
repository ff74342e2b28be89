/** Whatever comes, books at rest balance; and nothing can be taken out of them unnoticed, or unnamed. */
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { journalPartition, ledgerPartition, PARKED } from '../../processors/books/keys.ts';
import { createRecordIdentity } from '../../streams/position.ts';
import { decodeTape } from '../../streams/tape/tape-object.ts';
import { STREAM } from '../../test/support/batch/journal.ts';
import { createWholeBooks, shardName, type WholeBooks } from '../../test/support/batch/whole-books.ts';
import { ARRIVED_AT_MS } from '../../test/support/processors/kinesis-event.ts';
import { probeJson, probeRecord } from '../../test/support/processors/probe-dataset.ts';
import type { ReconcileReport } from './report.ts';

const DAY_MS = 86_400_000;
const RUNS = { numRuns: 25 };

const event = (mode: string, days: number, runid?: string) => ({
  specversion: '1.0',
  id: `${mode}-${days}`,
  source: 'urn:a',
  type: 'probe',
  ...(runid && { runid }),
  data: probeRecord(mode, { at: ARRIVED_AT_MS - days * DAY_MS }),
});
const anyMode = fc.constantFrom('fine', 'fine', 'odd', 'poor', 'drops', 'throws');
const anyEvent = fc.tuple(anyMode, fc.integer({ min: 0, max: 3 }), fc.constantFrom(undefined, 'run-a'));
const anyPayload = fc.oneof(
  anyMode.map((mode) => probeJson(mode)),
  fc.array(anyEvent, { minLength: 1, maxLength: 4 }).map((events) => json(events.map((each) => event(...each)))),
  fc.constantFrom(Buffer.from('{'), Buffer.alloc(0)),
);
const anyBatch = fc.record({
  payloads: fc.array(anyPayload, { minLength: 1, maxLength: 6 }),
  shard: fc.integer({ min: 0, max: 1 }),
  /** Whether Lambda gave it up. */
  isParked: fc.integer({ min: 0, max: 4 }).map((number) => number === 0),
});
type PlannedBatch = typeof anyBatch extends fc.Arbitrary<infer Value> ? Value : never;

function json(value: unknown): Buffer {
  return Buffer.from(JSON.stringify(value));
}

async function booksOf(batches: readonly PlannedBatch[]): Promise<WholeBooks> {
  const books = createWholeBooks();
  for (const { payloads, shard, isParked } of batches) {
    // Documents are of the first shard here.
    if (isParked && shard === 0) {
      const placed = await books.putOnTapeAlone({ payloads });
      await books.park(placed, 'parked', placed.payload);
    } else await books.put({ payloads, shard });
  }
  await books.rest();
  return books;
}

const named = (report: ReconcileReport, kind: string): readonly string[] =>
  report.findings.filter((finding) => finding.kind === kind).flatMap(({ recordIds }) => recordIds);

async function journalOf(books: WholeBooks) {
  const shards = [0, 1].map((shard) => journalPartition({ ...STREAM, shardId: shardName(shard) }));
  return (await Promise.all(shards.map((pk) => books.table.query(pk)))).flat();
}

/** Takes one thing out. @returns what to look for, undefined where there is nothing to take */
type Damage = (books: WholeBooks, pick: number) => Promise<((report: ReconcileReport) => void) | undefined>;

const damages: Readonly<Record<string, Damage>> = {
  async 'a row'(books, pick) {
    const [gone] = books.rows.splice(pick % Math.max(1, books.rows.length), 1);
    return gone && ((report) => expect(named(report, 'rows_missing')).toEqual([gone.recordId]));
  },
  async 'an entry of the journal'(books, pick) {
    const entries = await journalOf(books);
    const gone = entries[pick % Math.max(1, entries.length)];
    if (gone) books.table.forget(gone);
    return (
      gone &&
      ((report) =>
        expect(report.findings).toContainEqual(
          expect.objectContaining({ kind: 'journal_entry_missing', to: gone.sk, count: gone.attributes.records }),
        ))
    );
  },
  async 'an object of the tape'(books, pick) {
    const keys = [...books.tape.keys()];
    const gone = keys[pick % Math.max(1, keys.length)];
    const body = gone === undefined ? undefined : books.tape.get(gone);
    if (gone === undefined || body === undefined) return undefined;
    books.tape.delete(gone);
    const [, shard = '', first = '', last = ''] = /(shardId-\d+)\/(\d+)-(\d+)\./.exec(gone) ?? [];
    if (
      (await books.table.query(PARKED)).some(({ attributes }) => attributes.from === first && shard === shardName(0))
    ) {
      const identity = createRecordIdentity('data-pipeline-stream');
      const records = decodeTape(body, shard);
      const ids = records.map(({ sequenceNumber }) => identity.forRecord(shard, sequenceNumber).textOf(0));
      return (report) => expect(named(report, 'parked_not_on_tape')).toEqual(ids);
    }
    const within = books.rows.filter(({ position }) => {
      const [of, sequence = ''] = position.split(':');
      return of === shard && first <= sequence && sequence <= last;
    });
    const ids = within.map(({ recordId }) => recordId);
    return (report) => expect(new Set(named(report, 'records_not_on_tape'))).toEqual(new Set(ids));
  },
  async 'an item of the ledger'(books, pick) {
    const items = [...(await books.table.query(ledgerPartition('probe')))];
    const gone = items[pick % Math.max(1, items.length)];
    if (gone) books.table.forget(gone);
    return (
      gone &&
      ((report) =>
        expect(report.findings).toContainEqual(
          expect.objectContaining({ kind: 'ledger_differs', message: expect.stringContaining(gone.sk) }),
        ))
    );
  },
};

describe('books at rest', () => {
  test('balance', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(anyBatch, { maxLength: 8 }), async (batches) => {
        const books = await booksOf(batches);

        const report = await books.reconcile();

        expect(report).toMatchObject({ residual: 0, findings: [], lag: { entries: 0 } });
      }),
      RUNS,
    );
  });

  test.each(Object.keys(damages))('do not balance without %s, which is named', async (what) => {
    await fc.assert(
      fc.asyncProperty(fc.array(anyBatch, { minLength: 1, maxLength: 6 }), fc.nat(), async (batches, pick) => {
        const books = await booksOf(batches);
        const expectNamed = await damages[what]?.(books, pick);
        fc.pre(expectNamed !== undefined);

        const report = await books.reconcile();

        expect(report.residual).toBeGreaterThan(0);
        expectNamed?.(report);
      }),
      RUNS,
    );
  });
});
