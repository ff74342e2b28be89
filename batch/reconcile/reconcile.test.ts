import { describe, expect, test } from '@jest/globals';
import { arrivalLedgerKey, journalPartition, partitionLedgerKey, runKey } from '../../processors/books/keys.ts';
import { formatTapeKey, parseTapeKey } from '../../streams/tape/tape-key.ts';
import { decodeTape, encodeTape } from '../../streams/tape/tape-object.ts';
import { STREAM } from '../../test/support/batch/journal.ts';
import { createWholeBooks, recordIdAt, shardName } from '../../test/support/batch/whole-books.ts';
import { ARRIVED_AT_MS } from '../../test/support/processors/kinesis-event.ts';
import { probeJson, probeRecord } from '../../test/support/processors/probe-dataset.ts';
import { RefusedRequest } from './refused-request.ts';
import type { ReconcileReport } from './report.ts';

const HOUR_MS = 3_600_000;
const SHARD = { ...STREAM, shardId: shardName(0) };
const good = (count: number) => Array.from({ length: count }, () => probeJson('fine'));

/** Three batches of a shard and one of another: of the first, records 1 to 4, good, bad, good, dropped. */
async function atRest() {
  const books = createWholeBooks();
  await books.put({ payloads: [probeJson('fine'), Buffer.from('{'), probeJson('fine'), probeJson('drops')] });
  await books.put({ payloads: good(3) });
  await books.put({ payloads: good(2) });
  await books.put({ payloads: good(2), shard: 1 });
  await books.rest();
  return books;
}

const journalOf = async (books: Awaited<ReturnType<typeof atRest>>) => books.table.query(journalPartition(SHARD));
const found = ({ findings }: ReconcileReport, kind: string) => findings.filter((finding) => finding.kind === kind);

describe('books at rest', () => {
  test('balance, and say what there is', async () => {
    const report = await (await atRest()).reconcile();

    expect(report).toMatchObject({ residual: 0, findings: [], duplicatesAtRest: 0, lag: { entries: 0 } });
    expect(report.shards.map(({ tapeRecords, journalRecords }) => [tapeRecords, journalRecords])).toEqual([
      [9, 9],
      [2, 2],
    ]);
    expect(report.datasets).toEqual([
      { dataset: '?', received: 1, delivered: 0, quarantined: 1, dropped: 0, duplicate: 0 },
      { dataset: 'probe', received: 10, delivered: 9, quarantined: 0, dropped: 1, duplicate: 0 },
    ]);
    expect(report.tables).toEqual([
      { table: 'probe', expected: 9, rows: 9, records: 9, landed: 9, misdelivered: 0 },
      { table: 'failed_events', expected: 1, rows: 1, records: 1, landed: 1, misdelivered: 0 },
    ]);
  });

  test('balance while the ledger lags, which is told', async () => {
    const books = await atRest();
    await books.put({ payloads: good(2) });

    const report = await books.reconcile();

    expect(report).toMatchObject({ residual: 0, lag: { entries: 1 } });
    expect(report.tables[0]).toMatchObject({ expected: 11, records: 11, landed: 9 });
  });

  test('balance while records are on their way, which are told', async () => {
    const books = await atRest();
    await books.putOnTapeAlone({ payloads: good(4) });

    const report = await books.reconcile();

    expect(report).toMatchObject({ residual: 0, inFlight: { records: 4 } });
  });
});

describe('what is told', () => {
  test('of a row that is gone: its record', async () => {
    const books = await atRest();
    const [gone] = books.rows.splice(0, 1);

    const report = await books.reconcile();

    expect(report.residuals).toEqual({ records: 0, ledger: 0, rows: 1 });
    expect(found(report, 'rows_missing')).toMatchObject([{ count: 1, recordIds: [gone?.recordId], table: 'probe' }]);
    expect(found(report, 'landed_differs')).toHaveLength(1);
  });

  test('of a row of failed_events that is gone: its record', async () => {
    const books = await atRest();
    books.rows.splice(
      books.rows.findIndex(({ table }) => table === 'failed_events'),
      1,
    );

    const report = await books.reconcile();

    expect(report.residual).toBe(1);
    expect(found(report, 'rows_missing')).toMatchObject([{ recordIds: [recordIdAt(2)], table: 'failed_events' }]);
  });

  test('of a row that is there twice: its record, and no residual', async () => {
    const books = await atRest();
    const [row] = books.rows;
    if (row) books.rows.push(row);

    const report = await books.reconcile();

    expect(report).toMatchObject({ residual: 0, duplicatesAtRest: 1 });
    expect(found(report, 'duplicates_at_rest')).toMatchObject([{ count: 1, recordIds: [row?.recordId] }]);
  });

  test('of a row too much and another gone: both, though their numbers cancel out', async () => {
    const books = await atRest();
    const [gone] = books.rows.splice(0, 1);
    const extra = { ...books.rows[0], recordId: 'f'.repeat(32) };
    books.rows.push({ ...(books.rows[0] as (typeof books.rows)[number]), ...extra });

    const report = await books.reconcile();

    expect(report.residual).toBe(2);
    expect(found(report, 'rows_missing')).toMatchObject([{ recordIds: [gone?.recordId] }]);
    expect(found(report, 'rows_extra')).toMatchObject([{ recordIds: ['f'.repeat(32)] }]);
  });

  test('of an entry of the journal that is gone: the places around it, and its records', async () => {
    const books = await atRest();
    const [first, second] = await journalOf(books);
    if (second) books.table.forget(second);

    const report = await books.reconcile();

    expect(report.residuals.records).toBe(3);
    expect(found(report, 'journal_entry_missing')).toMatchObject([
      { after: first?.sk, to: second?.sk, count: 3, recordIds: [8, 9, 10].map((index) => recordIdAt(index)) },
    ]);
    // The ledger has counted it, and its rows are there.
    expect(found(report, 'ledger_differs').length).toBeGreaterThan(0);
    expect(report.residuals.rows).toBe(0);
  });

  test('of the last entry of the journal that is gone: it is missing up to the checkpoint', async () => {
    const books = await atRest();
    const [, second, last] = await journalOf(books);
    if (last) books.table.forget(last);

    const report = await books.reconcile();

    expect(found(report, 'journal_entry_missing')).toMatchObject([{ after: second?.sk, to: last?.sk, count: 2 }]);
    expect(report.residual).toBeGreaterThan(0);
  });

  test('of an object of the tape that is gone: its records, by their rows', async () => {
    const books = await atRest();
    const [first, second] = await journalOf(books);
    books.tape.delete([...books.tape.keys()].find((key) => key.includes(second?.sk ?? '-')) ?? '');

    const report = await books.reconcile();

    expect(report.residuals).toEqual({ records: 3, ledger: 0, rows: 0 });
    expect(found(report, 'records_not_on_tape')).toMatchObject([
      { after: first?.sk, to: second?.sk, count: 3, recordIds: [8, 9, 10].map((index) => recordIdAt(index)) },
    ]);
  });

  test.each([
    ['of an hour of arrival', arrivalLedgerKey('probe', '2026-06-01T12'), { received: 1 }],
    ['of a partition', partitionLedgerKey('probe', '2026-06-01'), { delivered: 1 }],
  ])('of an item of the ledger %s that is off by one: the item', async (_, key, add) => {
    const books = await atRest();
    await books.table.update({ kind: 'update', key, add });

    const report = await books.reconcile();

    expect(report.residuals.ledger).toBe(1);
    expect(found(report, 'ledger_differs')).toMatchObject([
      { message: expect.stringContaining(`${key.pk} ${key.sk}`) },
    ]);
  });

  test('of a checkpoint that counts others', async () => {
    const books = await atRest();
    await books.table.update({
      kind: 'update',
      key: { pk: `stream#${STREAM.streamArn}#${STREAM.createdAtMs}`, sk: `checkpoint#${SHARD.shardId}` },
      add: { records: 2 },
    });

    expect(await books.reconcile()).toMatchObject({
      residuals: { ledger: 2 },
      findings: [{ kind: 'checkpoint_differs' }],
    });
  });

  test('of records that the processor never saw', async () => {
    const books = await atRest();
    await books.putOnTapeAlone({ payloads: good(2) });
    await books.put({ payloads: good(1) });

    const report = await books.reconcile();

    expect(report.residual).toBe(2);
    expect(found(report, 'records_not_in_journal')).toMatchObject([{ count: 2 }]);
  });

  test('of records that are parked: no residual', async () => {
    const books = await atRest();
    await books.park(await books.putOnTapeAlone({ payloads: good(2) }));
    await books.put({ payloads: good(1) });
    await books.park(await books.putOnTapeAlone({ payloads: good(3) }));
    await books.rest();

    const report = await books.reconcile();

    expect(report).toMatchObject({ residual: 0, findings: [], inFlight: { records: 0 } });
    expect(report.shards[0]).toMatchObject({ tapeRecords: 15, journalRecords: 10, parkedRecords: 5 });
  });

  test('of records that are parked and were done all the same: there is nothing to redrive', async () => {
    const books = await atRest();
    const [first, second] = await journalOf(books);
    await books.park({ from: first?.sk ?? '', to: second?.sk ?? '', records: 3 });

    const report = await books.reconcile();

    expect(report.residual).toBe(0);
    expect(found(report, 'parked_but_counted').length).toBeGreaterThan(0);
  });

  test('of rows that Firehose could not deliver: they explain what is missing, until they are redriven', async () => {
    const books = await atRest();
    const gone = books.rows.splice(0, 2).map(({ recordId }) => recordId);
    await books.misdeliver(gone.slice(0, 1));
    await books.misdeliver(gone.slice(1), 'redriven');

    const report = await books.reconcile();

    expect(report.residual).toBe(1);
    expect(found(report, 'rows_missing')).toMatchObject([{ recordIds: gone.slice(1) }]);
    expect(found(report, 'misdelivered')).toMatchObject([{ recordIds: gone.slice(0, 1), residual: 0 }, { count: 1 }]);
    expect(report.tables[0]).toMatchObject({ misdelivered: 1 });
  });

  test('of records that the tape gave up: their document stands in for the object', async () => {
    const books = await atRest();
    const [, second] = await journalOf(books);
    const key = [...books.tape.keys()].find((each) => each.includes(second?.sk ?? '-')) ?? '';
    const records = decodeTape(books.tape.get(key) ?? Buffer.alloc(0), SHARD.shardId);
    books.tape.delete(key);
    const [from = '', to = ''] = [records[0]?.sequenceNumber, records.at(-1)?.sequenceNumber];
    await books.park({ from, to, records: 3 }, 'tape_parked', records);

    expect(await books.reconcile()).toMatchObject({ residual: 0, findings: [] });
  });

  test('of two objects of the tape that disagree', async () => {
    const books = await atRest();
    const [[key = '', bytes = Buffer.alloc(0)] = []] = books.tape;
    const span = parseTapeKey(key);
    const [record] = decodeTape(bytes, SHARD.shardId);
    if (span && record) {
      const other = formatTapeKey({ ...span, last: span.first });
      books.tape.set(other, encodeTape([{ ...record, data: Buffer.from('other') }]));
    }

    expect(await books.reconcile()).toMatchObject({ residual: 1, findings: [{ kind: 'tape_objects_differ' }] });
  });

  test('of records beyond the checkpoint for longer than the grace', async () => {
    const books = await atRest();
    await books.putOnTapeAlone({ payloads: good(2) });
    await books.putOnTapeAlone({ payloads: good(1), arrivedAtMs: ARRIVED_AT_MS + 3 * HOUR_MS });

    const report = await books.reconcile({ graceMs: HOUR_MS });

    expect(report).toMatchObject({ residual: 2, inFlight: { records: 3 } });
    expect(found(report, 'records_overdue')).toMatchObject([{ count: 2 }]);
  });
});

describe('a run', () => {
  test('is compared alone', async () => {
    const books = createWholeBooks();
    const ofRun = (runid: string) =>
      Buffer.from(
        JSON.stringify({
          specversion: '1.0',
          id: runid,
          source: 'urn:a',
          type: 'probe',
          runid,
          data: probeRecord('fine'),
        }),
      );
    await books.put({ payloads: [ofRun('run-a'), ofRun('run-b'), ...good(1)] });
    await books.rest();
    books.rows.splice(1, 1);

    expect(await books.reconcile({ runId: 'run-a' })).toMatchObject({ residual: 0, tables: [{ expected: 1 }, {}] });
    expect(await books.reconcile({ runId: 'run-b' })).toMatchObject({
      residual: 1,
      findings: [{ kind: 'rows_missing', recordIds: [recordIdAt(2)] }],
    });
  });
});

describe('a comparison of nothing', () => {
  test.each([
    ['before anything is put', 0, {}, true],
    ['in hours without records', 2, { toMs: ARRIVED_AT_MS - HOUR_MS }, true],
    ['where all is within the grace', 2, { graceMs: HOUR_MS }, true],
    ['with a record', 2, {}, false],
  ])('is told from one in which the books balance: %s', async (_, records, scope, isEmpty) => {
    const books = createWholeBooks();
    if (records > 0) await books.put({ payloads: good(records) });
    await books.rest();

    expect(await books.reconcile(scope)).toMatchObject({ residual: 0, isEmpty });
  });

  test('is not one in which nothing was processed in time', async () => {
    const books = createWholeBooks();
    await books.putOnTapeAlone({ payloads: good(2) });
    await books.putOnTapeAlone({ payloads: good(1), arrivedAtMs: ARRIVED_AT_MS + 5 * HOUR_MS });

    expect(await books.reconcile({ graceMs: HOUR_MS })).toMatchObject({ residual: 2, isEmpty: false });
  });

  test('is one of records that are only on their way', async () => {
    const books = createWholeBooks();
    await books.putOnTapeAlone({ payloads: good(4) });

    expect(await books.reconcile()).toMatchObject({ isEmpty: true, inFlight: { records: 4 } });
  });

  test('is refused for a run that is in no book, and not for one that has no records yet', async () => {
    const books = await atRest();
    await books.table.update({ kind: 'update', key: runKey('run-new'), set: { status: 'queued' } });

    const report = await books.reconcile({ runId: 'run-new' });
    await expect(books.reconcile({ runId: 'nope' })).rejects.toThrow(new RefusedRequest('there is no run nope'));
    const [key = ''] = books.tape.keys();
    books.tape.delete(key);
    await expect(books.reconcile({ runId: 'nope' })).rejects.toThrow(new RefusedRequest('there is no run nope'));
    expect(report).toMatchObject({ residual: 0, isEmpty: true });
  });
});

describe('the last arrival', () => {
  test('is that of the last record within the hours, processed or not', async () => {
    const books = await atRest();
    const put = { payloads: good(1), arrivedAtMs: ARRIVED_AT_MS + 2 * HOUR_MS };
    await books.putOnTapeAlone(put);
    const at = (hours: number) => new Date(ARRIVED_AT_MS + hours * HOUR_MS).toISOString();

    expect((await books.reconcile()).lastArrivedAt).toBe(at(2));
    expect((await books.reconcile({ toMs: ARRIVED_AT_MS + HOUR_MS })).lastArrivedAt).toBe(at(0));
    expect((await createWholeBooks().reconcile()).lastArrivedAt).toBeNull();
  });
});

describe('the last day', () => {
  test('is compared alone where no more is asked for, which the report says', async () => {
    const books = createWholeBooks();
    for (const hours of [0, 30]) await books.put({ payloads: good(1), arrivedAtMs: ARRIVED_AT_MS + hours * HOUR_MS });
    await books.rest();

    const report = await books.reconcile({ lastMs: 24 * HOUR_MS });

    expect(report).toMatchObject({ residual: 0, scope: { from: '2026-06-01T18:00:00.000Z', to: null } });
    expect(report.datasets).toMatchObject([{ received: 1 }]);
  });
});

describe('a span of hours', () => {
  test('is compared by the journal, and what came before and after is left alone', async () => {
    const books = createWholeBooks();
    for (const hours of [0, 1, 2, 3]) {
      await books.put({ payloads: good(2), arrivedAtMs: ARRIVED_AT_MS + hours * HOUR_MS });
    }
    await books.rest();
    const scope = { fromMs: ARRIVED_AT_MS + HOUR_MS, toMs: ARRIVED_AT_MS + 3 * HOUR_MS };

    const whole = await books.reconcile(scope);
    books.rows.splice(7, 1);
    const before = await books.reconcile(scope);
    const [gone] = books.rows.splice(3, 1);
    const within = await books.reconcile(scope);

    expect(whole).toMatchObject({ residual: 0, tables: [{ expected: 4, rows: 4, landed: undefined }, {}] });
    expect(whole.datasets).toMatchObject([{ received: 4 }]);
    expect(before.residual).toBe(0);
    expect(within.findings).toMatchObject([{ kind: 'rows_missing', recordIds: [gone?.recordId] }]);
  });
});
