import { describe, expect, test } from '@jest/globals';
import { journalKey } from '../../processors/books/keys.ts';
import { StateUnavailable } from '../../processors/books/state-table.ts';
import {
  COMMITTED_AT_MS,
  endOf,
  type PlannedEntry,
  STREAM,
  shardOf,
  writeJournal,
} from '../../test/support/batch/journal.ts';
import { createMemoryStateTable, type MemoryStateTable } from '../../test/support/processors/memory-state-table.ts';
import { createLedgerHandler, RESERVE_MS } from './handler.ts';

const ENTRY: PlannedEntry = {
  groups: [
    {
      dataset: 'flights',
      runId: 'run-1',
      outcome: 'delivered',
      day: 0,
      hour: 7,
      events: 10,
      fingerprint: 5n,
      eighths: 80,
    },
  ],
  records: 2,
  latencyMs: 100,
  secondsLater: 1,
};

function ledger(table: MemoryStateTable, more: { readonly now?: () => number; readonly fails?: Error } = {}) {
  const { now = () => COMMITTED_AT_MS + 60_000, fails } = more;
  const lines: Record<string, unknown>[] = [];
  const handler = createLedgerHandler(
    { streamName: 'data-pipeline-stream', metricsNamespace: 'DataPipeline' },
    {
      table,
      streams: {
        async refOf(name) {
          if (fails) throw fails;
          return name === 'data-pipeline-stream' ? STREAM : { ...STREAM, streamArn: name };
        },
      },
      clock: { now },
      log: (line) => lines.push(JSON.parse(line)),
    },
  );
  return { lines, invoke: (leftMs = 60_000) => handler({}, { getRemainingTimeInMillis: () => leftMs }) };
}

describe('the ledger function', () => {
  test('folds all there is, and logs one line with its metrics', async () => {
    const table = createMemoryStateTable();
    await writeJournal(table, [[ENTRY, ENTRY], [ENTRY]]);
    const { invoke, lines } = ledger(table);

    expect(await invoke()).toEqual({ entries: 3, records: 6, lagEntries: 0, lagMs: 0, stopped: 0 });
    expect(lines).toMatchObject([
      {
        level: 'INFO',
        message: 'journal folded',
        LedgerEntriesFolded: 3,
        LedgerLagEntries: 0,
        LedgerLag: 0,
        LedgerShardsStopped: 0,
        shards: 2,
      },
    ]);
    const metrics = JSON.stringify(lines[0]?._aws);
    expect(metrics).toContain('"Namespace":"DataPipeline","Dimensions":[[]]');
    for (const name of ['LedgerEntriesFolded', 'LedgerLagEntries', 'LedgerLag', 'LedgerShardsStopped']) {
      expect(metrics).toContain(`"Name":"${name}"`);
    }
    expect(Object.keys(lines[0] ?? {})[0]).toBe('_aws');
  });

  test('reports a shard with a gap, how long it has waited, and folds the others', async () => {
    const table = createMemoryStateTable();
    await writeJournal(table, [[ENTRY, ENTRY, ENTRY], [ENTRY]]);
    table.forget(journalKey(shardOf(0), endOf(1)));
    const { invoke, lines } = ledger(table);

    // The third entry, committed 57 s ago, cannot be folded: what is missing was committed before.
    expect(await invoke()).toEqual({ entries: 2, records: 4, lagEntries: 2, lagMs: 57_000, stopped: 1 });
    expect(lines).toMatchObject([
      {
        level: 'WARN',
        message: 'journal folded in part',
        findings: { [shardOf(0).shardId]: expect.stringMatching(`^missing journal entry after ${endOf(0)}`) },
      },
    ]);
  });

  test('leaves what it has no time for to the next invocation', async () => {
    const table = createMemoryStateTable();
    await writeJournal(table, [Array.from({ length: 200 }, () => ENTRY)]);
    let nowMs = COMMITTED_AT_MS + 300_000;
    // A second between one look at the clock and the next.
    const { invoke, lines } = ledger(table, { now: () => (nowMs += 1_000) });

    const first = await invoke(RESERVE_MS + 10_000);

    expect(first).toMatchObject({ stopped: 0, entries: expect.any(Number) });
    expect(first.entries).toBeGreaterThan(0);
    expect(first.entries + first.lagEntries).toBe(200);
    expect(first.lagMs).toBeGreaterThan(0);
    expect(lines).toMatchObject([{ level: 'INFO', LedgerLagEntries: first.lagEntries }]);
    await ledger(table).invoke();
    expect(await ledger(table).invoke()).toMatchObject({ entries: 0, lagEntries: 0 });
  });

  test('says so, and throws nothing, when the stream or the table does not answer', async () => {
    const unavailable = new StateUnavailable('the stream could not be described', { cause: undefined });
    const { invoke, lines } = ledger(createMemoryStateTable(), { fails: unavailable });

    expect(await invoke()).toMatchObject({ entries: 0 });
    expect(lines).toMatchObject([{ level: 'WARN', reason: 'the stream could not be described' }]);
    // No metric says that nothing lags.
    expect(lines[0]).not.toHaveProperty('_aws');
  });

  test('throws what is an error of the program', async () => {
    await expect(ledger(createMemoryStateTable(), { fails: new TypeError('bug') }).invoke()).rejects.toThrow('bug');
  });
});
