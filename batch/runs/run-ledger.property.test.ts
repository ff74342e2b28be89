import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { runLedgerKey } from '../../processors/books/keys.ts';
import { numberOf, type StateTablePort } from '../../processors/books/state-table.ts';
import { enterParkedRuns } from '../../processors/landed/parked-runs.ts';
import { STREAM } from '../../test/support/batch/journal.ts';
import { createWholeBooks, type WholeBooks } from '../../test/support/batch/whole-books.ts';
import { probeRecord } from '../../test/support/processors/probe-dataset.ts';
import { advanceRuns } from './advance-runs.ts';
import { createRuns } from './create-runs.ts';

const RUN_IDS = ['run-1', 'run-2'];
const CHUNKS = ['0', '1', '2', '3'];
const MODES = ['fine', 'fine', 'drops', 'broken'];

/** The same chunk of the same source, whoever puts it, with as many events as its number and one. */
function chunkOf(runid: string, chunkid: string): Buffer {
  const events = MODES.slice(0, Number(chunkid) + 1).map((mode, index) => ({
    ...{ specversion: '1.0', id: `${chunkid}.${index}`, source: 's3://raw/a?v=1', type: 'probe', runid, chunkid },
    data: mode === 'broken' ? { mode: 7 } : probeRecord(mode),
  }));
  return Buffer.from(JSON.stringify(events));
}
const placesOf = (chunkid: string) => Number(chunkid) + 1;

const put = fc.record({
  runId: fc.constantFrom(...RUN_IDS),
  chunk: fc.constantFrom(...CHUNKS),
  shard: fc.constantFrom(0, 1),
  isParked: fc.constantFrom(false, false, false, true),
  isWithNext: fc.boolean(),
});

async function given(books: WholeBooks, payloads: readonly Buffer[], shard: number, isParked: boolean) {
  if (!isParked) return books.put({ payloads, shard });
  const { payload, from } = await books.putOnTapeAlone({ payloads, shard });
  await enterParkedRuns(books.table, { document: from, streamArn: STREAM.streamArn, records: payload });
}

const receivedBy = async (table: StateTablePort, runId: string) =>
  numberOf(await table.get(runLedgerKey(runId)), 'received');

test('a run counts each place once, whoever puts its chunks how often, in one batch or several, parked or not', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(put, { minLength: 1, maxLength: 14 }), async (puts) => {
      const books = createWholeBooks();
      const clock = { now: () => Date.UTC(2026, 10, 25) };
      const runs = createRuns({ table: books.table, clock });
      let payloads: Buffer[] = [];
      for (const { runId, chunk, shard, isParked, isWithNext } of puts) {
        payloads.push(chunkOf(runId, chunk));
        if (isWithNext) continue;
        await given(books, payloads, shard, isParked);
        payloads = [];
      }
      if (payloads.length > 0) await given(books, payloads, 0, false);
      await books.rest();

      for (const id of RUN_IDS) {
        const own = new Set(puts.filter(({ runId }) => runId === id).map(({ chunk }) => chunk));
        const produced = [...own].reduce((sum, chunk) => sum + placesOf(chunk), 0);
        const source = { kind: 's3', bucket: 'raw', key: 'a' } as const;
        const run = { id, source, dataset: 'probe', priority: 'normal', metadata: '{}', chunkRecordsMax: 4 } as const;
        await runs.open(run);
        await runs.finish(id, { produced });
        const counts = await runs.counts(await runs.open(run));
        expect([id, (await receivedBy(books.table, id)) + counts.parked]).toEqual([id, produced]);
      }
      await advanceRuns(STREAM, { table: books.table, clock, isTimeUp: () => false });
      for (const id of RUN_IDS) expect((await runs.get(id))?.status).toMatch(/^succeeded/);
    }),
    { numRuns: 30 },
  );
});
