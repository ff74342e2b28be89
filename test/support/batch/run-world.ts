/**
 * A run and the world around it, as far as the books see it: chunks on the stream, a ledger that is folded late, partitions
 * that land in the order of delivery, and records that are given up and come back. It knows what is true, so that what a run
 * says can be held against it.
 */
import { advanceRuns } from '../../../batch/runs/advance-runs.ts';
import { createRuns } from '../../../batch/runs/create-runs.ts';
import type { RunSource } from '../../../batch/runs/run.ts';
import {
  claimKey,
  journalPartition,
  partitionLedgerKey,
  runLedgerKey,
  runParkedKey,
  runPartitionKey,
} from '../../../processors/books/keys.ts';
import type { StateUpdate } from '../../../processors/books/state-table.ts';
import { formatPosition, padSequence } from '../../../streams/position.ts';
import { createMemoryStateTable } from '../processors/memory-state-table.ts';
import { STREAM, shardOf } from './journal.ts';

export const RUN_ID = 'run-1';
const START_MS = Date.UTC(2026, 10, 25);
const PARTITIONS = ['2026-01-01', '2026-01-02'];
const SHARD = shardOf(0);

/** `on stream` ─▶ `folded`; or given up: `parked` ─▶ `played` ─▶ `folded`; or committed and given up all the same. */
type ChunkState = 'on stream' | 'parked' | 'played' | 'committed' | 'folded';

interface Chunk {
  readonly index: number;
  readonly events: number;
  state: ChunkState;
}

interface PartitionRows {
  delivered: number;
  landed: number;
  /** Where the last row of the run stands, among all that were delivered. */
  lastOfRun: number;
}

const noRows = (): PartitionRows => ({ delivered: 0, landed: 0, lastOfRun: 0 });

export function createRunWorld(kind: 's3' | 'api') {
  const table = createMemoryStateTable();
  let nowMs = START_MS;
  const clock = { now: () => nowMs };
  const runs = createRuns({ table, clock });
  const chunks: Chunk[] = [];
  const rows = new Map<string, PartitionRows>([...PARTITIONS, '*'].map((name) => [name, noRows()]));
  const rowsOf = (partition: string) => rows.get(partition) ?? noRows();
  const tableOf = (partition: string) => (partition === '*' ? 'failed_events' : 'flights');
  const source: RunSource = kind === 'api' ? { kind } : { kind, bucket: 'raw', key: 'incoming/a.json' };
  const positionOf = ({ index }: Chunk) => formatPosition(SHARD.shardId, String(index + 1), 0);

  const some = (state: ChunkState, pick: number): Chunk | undefined => {
    const those = chunks.filter((chunk) => chunk.state === state);
    return those[pick % Math.max(1, those.length)];
  };

  /** Rows of the run, or of others, in the ledger of a partition. */
  function deliver(partition: string, events: number, isOfRun: boolean): StateUpdate[] {
    const known = rowsOf(partition);
    known.delivered += events;
    if (isOfRun) known.lastOfRun = known.delivered;
    const add = { delivered: events };
    const ledger = { kind: 'update', key: partitionLedgerKey(tableOf(partition), partition), add } as const;
    const ofRun = { kind: 'update', key: runPartitionKey(RUN_ID, tableOf(partition), partition), add } as const;
    return isOfRun ? [ledger, ofRun] : [ledger];
  }

  async function park(chunk: Chunk): Promise<void> {
    await table.transact([
      {
        kind: 'put',
        key: runParkedKey(RUN_ID, String(chunk.index)),
        when: 'new',
        attributes: {
          events: chunk.events,
          document: 'd',
          stream_arn: STREAM.streamArn,
          position: positionOf(chunk),
          carried_at: positionOf(chunk),
          generation: 0,
          chunk: `run#${chunk.index}`,
        },
      },
    ]);
  }

  return {
    runs,
    table,
    clock,
    open: () =>
      runs.open({ id: RUN_ID, source, dataset: 'flights', priority: 'normal', metadata: '{}', chunkRecordsMax: 100 }),
    pass(ms: number) {
      nowMs += ms;
    },
    advance: () => advanceRuns(STREAM, { table, clock, isTimeUp: () => false }),
    put(events: number) {
      chunks.push({ index: chunks.length, events, state: 'on stream' });
    },
    /** The fold comes to a chunk, or to one that was committed long ago. */
    async fold(pick: number) {
      const chunk = some('committed', pick) ?? some('on stream', pick) ?? some('played', pick);
      if (chunk === undefined) return;
      chunk.state = 'folded';
      const [outcome = 'delivered'] = ['delivered', 'quarantined', 'dropped', 'duplicate', 'delivered'].slice(pick % 5);
      const partition = { delivered: PARTITIONS[pick % 2], quarantined: '*' }[outcome];
      const add = { received: chunk.events, [outcome]: chunk.events };
      await table.transact([
        { kind: 'update', key: runLedgerKey(RUN_ID), add },
        ...(partition === undefined ? [] : deliver(partition, chunk.events, true)),
      ]);
    },
    /** Rows of others. */
    async deliverOthers(pick: number, events: number) {
      await table.transact(deliver([...rows.keys()][pick % rows.size] ?? '*', events, false));
    },
    async land(pick: number, events: number) {
      const partition = [...rows.keys()][pick % rows.size] ?? '*';
      const known = rowsOf(partition);
      const landing = Math.min(events, known.delivered - known.landed);
      if (landing === 0) return;
      known.landed += landing;
      const at = partition === '*' ? `2026-11-25T0${pick % 3}` : partition;
      await table.update({ kind: 'update', key: partitionLedgerKey(tableOf(partition), at), add: { landed: landing } });
    },
    /** Given up, with or without the claim of an attempt at it. */
    async park(pick: number) {
      const chunk = some('on stream', pick);
      if (chunk === undefined) return;
      chunk.state = 'parked';
      const attributes = { owner: positionOf(chunk), generation: 0 };
      if (pick % 2 === 0) {
        await table.transact([{ kind: 'put', key: claimKey(`run#${chunk.index}`), when: 'claim', attributes }]);
      }
      await park(chunk);
    },
    async parkCommitted(pick: number) {
      const chunk = some('on stream', pick);
      if (chunk === undefined) return;
      chunk.state = 'committed';
      const sk = padSequence(String(chunk.index + 1));
      const key = { pk: journalPartition(SHARD), sk };
      await table.transact([{ kind: 'put', key, when: 'new', attributes: { from: sk } }]);
      await park(chunk);
    },
    async play(pick: number) {
      const chunk = some('parked', pick);
      if (chunk === undefined) return;
      chunk.state = 'played';
      const attributes = { owner: 'elsewhere', generation: 1 };
      const key = claimKey(`replay#${positionOf(chunk)}`);
      await table.transact([{ kind: 'put', key, when: 'claim', attributes }]);
    },
    /** Records whose whereabouts the books know: folded, or parked. */
    accounted: () => eventsOf(chunks.filter(({ state }) => state === 'folded' || state === 'parked')),
    /** Records that were ever put. */
    onStream: () => eventsOf(chunks),
    /** Whether every row of the run is in a table. */
    hasLanded: () => [...rows.values()].every(({ landed, lastOfRun }) => landed >= lastOfRun),
  };
}

export type RunWorld = ReturnType<typeof createRunWorld>;

function eventsOf(chunks: readonly Chunk[]): number {
  return chunks.reduce((sum, { events }) => sum + events, 0);
}
