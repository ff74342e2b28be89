import { describe, expect, test } from '@jest/globals';
import { formatPosition, type StreamRecord } from '../../streams/position.ts';
import { encodeReplayFrame } from '../../streams/replay-frame.ts';
import { ARRIVED_AT_MS, sequenceOf } from '../../test/support/processors/kinesis-event.ts';
import { createMemoryStateTable } from '../../test/support/processors/memory-state-table.ts';
import { runPartition } from '../books/keys.ts';
import { runChunkSubject } from '../claim-items.ts';
import { enterParkedRuns } from './parked-runs.ts';

const SHARD_ID = 'shardId-000000000000';
const SOURCE = 's3://raw/object?v=1';
const STREAM_ARN = 'arn:aws:kinesis:us-east-1:123456789012:stream/data-pipeline-stream';

const record = (index: number, data: Buffer): StreamRecord => ({
  shardId: SHARD_ID,
  sequenceNumber: sequenceOf(index),
  partitionKey: 'key',
  arrivedAtMs: ARRIVED_AT_MS,
  data,
});
const eventOf = (id: string, more: object) => ({ specversion: '1.0', type: 'flights', source: SOURCE, id, ...more });
const chunk = (runid: string, chunkid: string, ids: readonly string[]) =>
  Buffer.from(JSON.stringify(ids.map((id) => eventOf(id, { runid, chunkid, data: { bad: true } }))));
const at = (index: number) => formatPosition(SHARD_ID, sequenceOf(index), 0);

async function entered(records: readonly StreamRecord[], times = 1) {
  const table = createMemoryStateTable();
  for (let i = 0; i < times; i++) {
    await enterParkedRuns(table, { document: `document-${i}`, streamArn: STREAM_ARN, records });
  }
  return async (run: string) => (await table.query(runPartition(run))).map(({ attributes }) => attributes);
}

describe('what was given up of runs', () => {
  test('is entered by run and chunk, with where it stood', async () => {
    const of = await entered([
      record(0, chunk('run-1', '0', ['a', 'b'])),
      record(1, chunk('run-2', '0', ['a', 'b', 'c'])),
      record(2, Buffer.from('{"no":"run"}')),
      record(3, Buffer.from('{')),
    ]);

    expect(await of('run-1')).toEqual([
      {
        events: 2,
        document: 'document-0',
        stream_arn: STREAM_ARN,
        position: at(0),
        carried_at: at(0),
        generation: 0,
        chunk: runChunkSubject('run-1', SOURCE, '0'),
      },
    ]);
    expect(await of('run-2')).toMatchObject([{ events: 3, position: at(1) }]);
  });

  test('is as it was when its document is told of again', async () => {
    const of = await entered([record(0, chunk('run-1', '0', ['a']))], 3);

    expect(await of('run-1')).toMatchObject([{ document: 'document-0' }]);
  });

  test('is entered by where it stood, where it belongs to no chunk', async () => {
    const events = [eventOf('a', { runid: 'run-1' }), eventOf('b', { runid: 'run-1' }), eventOf('c', {})];
    const of = await entered([record(4, Buffer.from(JSON.stringify(events)))]);

    const [entry, ...others] = await of('run-1');
    expect(others).toEqual([]);
    expect(entry).toMatchObject({ events: 2, position: at(4) });
    expect(entry).not.toHaveProperty('chunk');
  });

  test('while it was played again has the place where it first stood, and which play it was', async () => {
    const frame = encodeReplayFrame({
      ...{ shardId: 'shardId-000000000007', sequenceNumber: sequenceOf(9), partitionKey: 'key' },
      ...{ arrivedAtMs: ARRIVED_AT_MS, generation: 2, data: chunk('run-1', '0', ['a']) },
    });
    const of = await entered([record(5, frame)]);

    expect(await of('run-1')).toMatchObject([
      { position: formatPosition('shardId-000000000007', sequenceOf(9), 0), carried_at: at(5), generation: 2 },
    ]);
  });

  test('is entered whole where there is much of it, and some of it was entered before', async () => {
    const records = Array.from({ length: 130 }, (_, index) => record(index, chunk('run-1', String(index), ['a'])));
    const table = createMemoryStateTable();
    for (const some of [records.slice(20, 90), records]) {
      await enterParkedRuns(table, { document: 'd', streamArn: STREAM_ARN, records: some });
    }

    expect(await table.query(runPartition('run-1'))).toHaveLength(130);
  });
});
