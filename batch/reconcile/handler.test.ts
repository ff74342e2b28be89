import { describe, expect, test } from '@jest/globals';
import { runKey } from '../../processors/books/keys.ts';
import { createWholeBooks, SETTINGS } from '../../test/support/batch/whole-books.ts';
import { ARRIVED_AT_MS } from '../../test/support/processors/kinesis-event.ts';
import { probeJson } from '../../test/support/processors/probe-dataset.ts';
import { createReconcileHandler } from './handler.ts';
import { ReadError } from './ports.ts';

const SCHEDULED = { 'detail-type': 'Scheduled Event', source: 'aws.events' };
const context = { getRemainingTimeInMillis: () => 900_000 };
const fine = (count: number) => Array.from({ length: count }, () => probeJson('fine'));

async function asked(event: unknown, prepare: (books: ReturnType<typeof createWholeBooks>) => Promise<void>) {
  const books = createWholeBooks();
  await prepare(books);
  const lines: Record<string, unknown>[] = [];
  const log = (line: string) => void lines.push(JSON.parse(line));
  const handler = createReconcileHandler({ ...SETTINGS, metricsNamespace: 'Books' }, { ...books.ports, log });
  return { answer: await handler(event, context), lines };
}

describe('the Reconcile function', () => {
  test('answers with the report, and writes the residual as a metric', async () => {
    const { answer, lines } = await asked({}, async (books) => {
      await books.put({ payloads: fine(3) });
      await books.rest();
      books.rows.pop();
    });

    expect(answer).toMatchObject({ residual: 1 });
    expect(lines).toMatchObject([
      {
        _aws: { CloudWatchMetrics: [{ Namespace: 'Books', Dimensions: [[]] }] },
        level: 'ERROR',
        message: 'the books do not balance',
        Residual: 1,
      },
    ]);
    expect(JSON.stringify(lines[0]?._aws)).toContain('"Residual"');
  });

  test('by its schedule leaves out what has not had the time to come to rest', async () => {
    const { answer, lines } = await asked(SCHEDULED, async (books) => {
      await books.put({ payloads: fine(2) });
      await books.put({ payloads: fine(1), arrivedAtMs: ARRIVED_AT_MS + 5 * 3_600_000 });
      // Of the last hour, and on its way to S3.
      books.rows.pop();
      await books.rest();
    });

    expect(answer).toMatchObject({ residual: 0, scope: { to: '2026-06-01T16:00:00.000Z' }, tables: [{ rows: 2 }, {}] });
    expect(lines).toMatchObject([{ level: 'INFO', Residual: 0 }]);
  });

  test('by its schedule says of an hour without records that nothing was compared, which is no alarm', async () => {
    const { answer, lines } = await asked(SCHEDULED, (books) => books.put({ payloads: fine(2) }));

    expect(answer).toMatchObject({ residual: 0, isEmpty: true });
    expect(lines).toMatchObject([{ level: 'INFO', Residual: 0, message: 'nothing was compared' }]);
    expect(JSON.stringify(lines[0]?._aws)).toContain('"Residual"');
  });

  test('writes no metric for the figures of a run', async () => {
    const { lines } = await asked({ runId: 'run-a' }, async (books) => {
      await books.table.update({ kind: 'update', key: runKey('run-a'), set: { status: 'queued' } });
    });

    expect(lines).toMatchObject([{ Residual: 0 }]);
    expect(lines[0]).not.toHaveProperty('_aws');
  });

  test('traces a record', async () => {
    const { answer, lines } = await asked({ action: 'trace', id: 'f'.repeat(32) }, (books) =>
      books.put({ payloads: fine(1) }),
    );

    expect(answer).toMatchObject({ records: [], lookedAt: [expect.any(String), expect.stringContaining('1 records')] });
    expect(lines).toMatchObject([{ message: 'traced', records: 0 }]);
  });

  test('fails when what is to be compared cannot be read', async () => {
    const { ports } = createWholeBooks();
    const list = () => Promise.reject(new ReadError('the tape', 'gone'));
    const handler = createReconcileHandler(
      { ...SETTINGS, metricsNamespace: 'Books' },
      { ...ports, tape: { ...ports.tape, list }, log: () => undefined },
    );

    await expect(handler(SCHEDULED, context)).rejects.toThrow(ReadError);
  });

  test('refuses what it cannot read by an answer, which is no error of its own', async () => {
    const reason = 'from: received "yesterday", allowed: an hour such as 2026-11-25T07, UTC';
    const { answer, lines } = await asked({ from: 'yesterday' }, async () => undefined);

    expect(answer).toEqual({ refused: reason });
    expect(lines).toEqual([{ level: 'WARN', message: 'refused', reason }]);
  });
});
