import { describe, expect, test } from '@jest/globals';
import { encodeReplayFrame } from '../../streams/replay-frame.ts';
import { createWholeBooks, recordIdAt, SETTINGS, shardName } from '../../test/support/batch/whole-books.ts';
import { ARRIVED_AT_MS, sequenceOf } from '../../test/support/processors/kinesis-event.ts';
import { probeJson, probeRecord } from '../../test/support/processors/probe-dataset.ts';
import { trace } from './trace.ts';

const ofChunk = (id: string) =>
  Buffer.from(
    JSON.stringify({
      ...{ specversion: '1.0', id, source: 'urn:a', type: 'probe', runid: 'run-a', chunkid: 'chunk-1' },
      data: probeRecord('fine'),
    }),
  );

/** Records 1 to 5: good, bad, dropped, of a chunk, and of the same chunk again. */
async function books() {
  const made = createWholeBooks();
  await made.put({ payloads: [probeJson('fine'), Buffer.from('{'), probeJson('drops'), ofChunk('a')] });
  await made.put({ payloads: [ofChunk('b')] });
  await made.rest();
  return made;
}

const traced = async (made: Awaited<ReturnType<typeof books>>, id: string) =>
  (await trace({ id }, SETTINGS, made.ports)).records;
const placeOf = (index: number) => `${shardName(0)}:${sequenceOf(index)}`;

describe('a record that is traced', () => {
  test('from any of its identities is found in its row, on the tape and in the journal', async () => {
    const made = await books();
    const [row] = made.rows;

    const answers = await Promise.all(
      [recordIdAt(1), row?.eventId ?? '', row?.position ?? '', placeOf(1)].map((id) => traced(made, id)),
    );

    expect(answers[0]).toMatchObject([
      {
        recordId: recordIdAt(1),
        where: 'delivered',
        told: 'delivered: row 0 of probe/object',
        sequenceNumber: sequenceOf(1),
        dataset: 'probe',
        tape: [expect.stringContaining(sequenceOf(1))],
        journal: { requestId: 'request-1', attempts: 1, version: 'v1', records: 4 },
        parked: null,
        playedAt: null,
      },
    ]);
    // Of the same source and time, so the same event.
    for (const answer of answers.slice(1)) expect(answer).toContainEqual(answers[0]?.[0]);
  });

  test('from the place of its row is the same', async () => {
    const made = await books();

    const { records } = await trace({ objectKey: 'probe/object', row: 0 }, SETTINGS, made.ports);

    expect(records).toEqual(await traced(made, recordIdAt(1)));
  });

  test('says why it was quarantined', async () => {
    const [record] = await traced(await books(), recordIdAt(2));

    expect(record).toMatchObject({ where: 'quarantined', failure: { stage: 'decode', code: 'INVALID_JSON' } });
  });

  test('says why it was dropped', async () => {
    const [record] = await traced(await books(), recordIdAt(3));

    expect(record).toMatchObject({
      where: 'dropped',
      told: "dropped by the dataset's transform: not wanted",
      rows: [],
    });
  });

  test('says who holds the claim of a duplicate', async () => {
    const made = await books();
    // The second batch begins behind a gap of sequence numbers.
    const [record] = await traced(made, recordIdAt(8));

    expect(record).toMatchObject({ where: 'duplicate', told: expect.stringContaining(sequenceOf(4)) });
  });

  test('is parked', async () => {
    const made = await books();
    const range = await made.putOnTapeAlone({ payloads: [probeJson('fine')] });
    await made.park(range);
    await made.put({ payloads: [probeJson('fine')] });

    const [record] = await traced(made, `${shardName(0)}:${range.from}`);

    expect(record).toMatchObject({ where: 'parked', parked: { status: 'parked' }, journal: null });
  });

  test('is in flight', async () => {
    const made = await books();
    const { from } = await made.putOnTapeAlone({ payloads: [probeJson('fine')] });

    expect(await traced(made, `${shardName(0)}:${from}`)).toMatchObject([{ where: 'in flight', journal: null }]);
  });

  test('that was played again is counted where it was played', async () => {
    const made = await books();
    const { from } = await made.putOnTapeAlone({ payloads: [probeJson('fine')] });
    await made.park({ from, to: from, records: 1 }, 'redriven');
    const frame = encodeReplayFrame({
      ...{ shardId: shardName(0), sequenceNumber: from, partitionKey: 'k', arrivedAtMs: ARRIVED_AT_MS, generation: 1 },
      data: probeJson('fine'),
    });
    await made.put({ payloads: [frame], shard: 1 });

    const [record] = await traced(made, `${shardName(0)}:${from}`);

    expect(record).toMatchObject({
      where: 'delivered',
      sequenceNumber: from,
      playedAt: expect.stringContaining(shardName(1)),
      journal: { shardId: shardName(1) },
      parked: { status: 'redriven' },
    });
  });

  test('is misdelivered', async () => {
    const made = await books();
    made.rows.shift();
    await made.misdeliver([recordIdAt(1)]);

    expect(await traced(made, recordIdAt(1))).toMatchObject([
      { where: 'misdelivered', misdelivered: 'errors/probe/0' },
    ]);
  });

  test('whose row is gone is said to be gone', async () => {
    const made = await books();
    made.rows.shift();

    expect(await traced(made, recordIdAt(1))).toMatchObject([
      { where: 'unknown', told: 'counted, and its row in probe 2026-06-01 is not there (yet)' },
    ]);
  });

  test('that never was is not found, and all that was looked at is told', async () => {
    const made = await books();

    expect(await trace({ id: 'f'.repeat(32) }, SETTINGS, made.ports)).toEqual({
      subject: { id: 'f'.repeat(32) },
      records: [],
      lookedAt: [`the rows of all tables, by SQL, for ${'f'.repeat(32)}`, 'the tape of 1 shards, 5 records'],
    });
  });
});
