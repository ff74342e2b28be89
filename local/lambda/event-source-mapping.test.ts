import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { PAYLOAD_BYTES_MAX, step } from './event-source-mapping.ts';
import {
  type Input,
  type InvocationResult,
  initialState,
  type MappedRecord,
  type MappingSettings,
  type Output,
  type ShardState,
  type StartingPosition,
} from './shard-state.ts';

const SETTINGS: MappingSettings = {
  batchSize: 3,
  batchingWindowMs: 0,
  retriesMax: -1,
  recordAgeMsMax: -1,
  bisects: false,
  reportsItemFailures: true,
};

type Discard = Extract<Output<MappedRecord>, { kind: 'discard' }>;
type Answer = (sequenceNumbers: readonly string[], attempt: number, nowMs: number) => InvocationResult;

const returned = (value: unknown): InvocationResult => ({ kind: 'returned', payload: JSON.stringify(value) });
const succeeded = returned(null);
const failed: InvocationResult = { kind: 'failed', functionError: 'Unhandled' };
const reporting = (...itemIdentifiers: unknown[]): InvocationResult =>
  returned({ batchItemFailures: itemIdentifiers.map((itemIdentifier) => ({ itemIdentifier })) });

const records = (count: number, overrides: Partial<MappedRecord> = {}): MappedRecord[] =>
  Array.from({ length: count }, (_, index) => ({
    sequenceNumber: String(index + 1),
    arrivedAtMs: 0,
    payloadBytes: 100,
    ...overrides,
  }));

interface Run {
  /** Sequence numbers of each invocation. */
  readonly invocations: readonly (readonly string[])[];
  readonly invokedAtMs: readonly number[];
  readonly succeeded: readonly string[];
  readonly discards: readonly Discard[];
  readonly checkpoints: readonly string[];
  readonly nowMs: number;
  readonly state: ShardState<MappedRecord>;
}

/** Drives the machine against a stream that holds `stream`, on simulated time, until nothing is left to do. */
function run(
  settings: Partial<MappingSettings>,
  stream: readonly MappedRecord[],
  answer: Answer,
  options: { readonly start?: StartingPosition; readonly invocationsMax?: number; readonly invocationMs?: number } = {},
): Run {
  const { start = { from: 'TRIM_HORIZON' }, invocationsMax = 500, invocationMs = 0 } = options;
  const invocations: string[][] = [];
  const invokedAtMs: number[] = [];
  const done: string[] = [];
  const discards: Discard[] = [];
  const checkpoints: string[] = [];
  let state = initialState<MappedRecord>(start);
  let nowMs = 0;
  let untilMs: number | undefined;
  const inputs: Input<MappedRecord>[] = [{ kind: 'tick' }];

  function perform(output: Output<MappedRecord>): void {
    switch (output.kind) {
      case 'read': {
        const from = stream.findIndex((record) => Number(record.sequenceNumber) > Number(output.after ?? 0));
        inputs.push({ kind: 'records', records: from < 0 ? [] : stream.slice(from, from + output.recordsMax) });
        return;
      }
      case 'invoke': {
        const batch = output.records.map((record) => record.sequenceNumber);
        const result = answer(batch, invocations.length + 1, nowMs);
        invocations.push(batch);
        invokedAtMs.push(nowMs);
        if (result === succeeded) done.push(...batch);
        nowMs += invocationMs;
        inputs.push({ kind: 'invoked', result });
        return;
      }
      case 'discard':
        discards.push(output);
        inputs.push({ kind: 'discarded' });
        return;
      case 'wait':
        untilMs = output.untilMs;
        return;
      case 'checkpoint':
        checkpoints.push(output.sequenceNumber);
    }
  }

  while (invocations.length < invocationsMax) {
    const input = inputs.shift();
    if (!input && untilMs === undefined) break;
    if (!input) {
      nowMs = Math.max(nowMs, untilMs ?? nowMs);
      untilMs = undefined;
    }
    const next = step({ ...SETTINGS, ...settings }, state, input ?? { kind: 'tick' }, nowMs);
    state = next.state;
    next.outputs.forEach(perform);
  }
  return { invocations, invokedAtMs, succeeded: done, discards, checkpoints, nowMs, state };
}

const once =
  (first: InvocationResult): Answer =>
  (_batch, attempt) =>
    attempt === 1 ? first : succeeded;

describe('the result table of AWS', () => {
  const wholeBatch = [['1', '2', '3']];
  const wholeBatchTwice = [
    ['1', '2', '3'],
    ['1', '2', '3'],
  ];

  it.each([
    ['an empty list', returned({ batchItemFailures: [] })],
    ['a null list', returned({ batchItemFailures: null })],
    ['{}', returned({})],
    ['null', returned(null)],
    ['""', returned('')],
    ['another top-level key', returned({ failures: [{ itemIdentifier: '2' }] })],
    ['text that is no object', returned('done')],
    ['nothing at all', { kind: 'returned', payload: '' } as const],
  ])('takes %s for success of the whole batch', (_name, result) => {
    const { invocations, checkpoints } = run({}, records(3), once(result));

    expect(invocations).toEqual(wholeBatch);
    expect(checkpoints).toEqual(['3']);
  });

  it.each([
    ['an empty identifier', reporting('')],
    ['a null identifier', reporting(null)],
    ['an entry with another key', returned({ batchItemFailures: [{ foo: '2' }] })],
    ['an entry with another key and null', returned({ batchItemFailures: [{ foo: null }] })],
    ['an identifier that is a number', reporting(123)],
    ['an identifier of no record in the batch', reporting('99')],
    ['an unknown identifier beside a known one', reporting('2', '99')],
    ['an entry that is no object', returned({ batchItemFailures: ['2'] })],
    ['a list that is no list', returned({ batchItemFailures: '2' })],
    ['an exception, a timeout or a crash', failed],
  ])('takes %s for failure of the whole batch', (_name, result) => {
    const { invocations, checkpoints } = run({}, records(3), once(result));

    expect(invocations).toEqual(wholeBatchTwice);
    expect(checkpoints).toEqual(['3']);
  });

  it('retries from the lowest of several identifiers on, with records that succeeded', () => {
    const { invocations, checkpoints } = run({}, records(3), once(reporting('3', '2')));

    expect(invocations).toEqual([
      ['1', '2', '3'],
      ['2', '3'],
    ]);
    expect(checkpoints).toEqual(['1', '3']);
  });

  it('ignores the body when ReportBatchItemFailures is off', () => {
    const { invocations } = run({ reportsItemFailures: false }, records(3), once(reporting('2')));

    expect(invocations).toEqual(wholeBatch);
  });

  it('fails the whole batch on an exception also when ReportBatchItemFailures is off', () => {
    const { invocations } = run({ reportsItemFailures: false }, records(3), once(failed));

    expect(invocations).toEqual(wholeBatchTwice);
  });
});

describe('retries', () => {
  it('invokes N + 1 times for N retries, then discards with that count', () => {
    const { invocations, discards, checkpoints } = run({ retriesMax: 2 }, records(3), () => failed);

    expect(invocations).toHaveLength(3);
    expect(discards).toHaveLength(1);
    expect(discards[0]).toMatchObject({
      condition: 'RetryAttemptsExhausted',
      invocations: 3,
      response: { statusCode: 200, functionError: 'Unhandled' },
    });
    expect(checkpoints).toEqual(['3']);
  });

  it('reports functionError null when the failure was reported in the body', () => {
    const { discards } = run({ retriesMax: 0 }, records(1), () => reporting('1'));

    expect(discards[0]?.response).toEqual({ statusCode: 200, functionError: null });
  });

  it('gives a narrowed batch a fresh budget: the sequence observed on AWS', () => {
    const answer: Answer = (batch) => (batch.includes('6') ? reporting('6') : succeeded);

    const { invocations, discards } = run({ retriesMax: 3 }, records(6), answer);

    expect(invocations.filter((batch) => batch.includes('6'))).toEqual([['4', '5', '6'], ['6'], ['6'], ['6'], ['6']]);
    expect(discards).toHaveLength(1);
    expect(discards[0]).toMatchObject({ invocations: 4, records: [{ sequenceNumber: '6' }] });
  });

  it('does not count what was throttled or failed in the service', () => {
    const answer: Answer = (_batch, attempt) => (attempt % 2 === 1 ? { kind: 'unavailable' } : failed);

    const { invocations, discards } = run({ retriesMax: 1 }, records(1), answer);

    expect(invocations).toHaveLength(4);
    expect(discards[0]?.invocations).toBe(2);
  });

  it('retries without limit by default, and blocks its shard meanwhile', () => {
    const { invocations, discards } = run({}, records(6), () => failed, { invocationsMax: 200 });

    expect(invocations.every((batch) => batch.join() === '1,2,3')).toBe(true);
    expect(discards).toEqual([]);
  });

  it('backs off exponentially up to 30 s, and starts anew after progress', () => {
    const { invokedAtMs } = run({}, records(6), (_batch, attempt) =>
      attempt <= 8 || attempt === 10 ? failed : succeeded,
    );

    const delays = invokedAtMs.slice(1).map((atMs, index) => atMs - (invokedAtMs[index] ?? 0));
    expect(delays).toEqual([500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 0, 500]);
  });

  it('goes on with the next batch after a discard', () => {
    const answer: Answer = (batch) => (batch.includes('1') ? failed : succeeded);

    const { invocations } = run({ retriesMax: 0 }, records(6), answer);

    expect(invocations).toEqual([
      ['1', '2', '3'],
      ['4', '5', '6'],
    ]);
  });
});

describe('bisecting', () => {
  it('halves the batch on an exception until the record that fails is alone, and splits consume no retry', () => {
    const answer: Answer = (batch) => (batch.includes('3') ? failed : succeeded);

    const result = run({ bisects: true, retriesMax: 1, batchSize: 8 }, records(8), answer);

    expect(result.invocations).toEqual([
      ['1', '2', '3', '4', '5', '6', '7', '8'],
      ['1', '2', '3', '4'],
      ['1', '2'],
      ['3', '4'],
      ['3'],
      ['3'],
      ['4'],
      ['5', '6', '7', '8'],
    ]);
    expect(result.discards).toHaveLength(1);
    expect(result.discards[0]).toMatchObject({ invocations: 2, records: [{ sequenceNumber: '3' }] });
    expect(result.nowMs).toBe(500);
  });

  it('gives both halves a fresh budget', () => {
    const { discards } = run({ bisects: true, retriesMax: 1 }, records(2), () => failed);

    expect(discards.map((discard) => [discard.records.length, discard.invocations])).toEqual([
      [1, 2],
      [1, 2],
    ]);
  });

  it('splits at the returned sequence number on a partial response', () => {
    const { invocations } = run({ bisects: true, batchSize: 8 }, records(8), once(reporting('7')));

    expect(invocations).toEqual([
      ['1', '2', '3', '4', '5', '6', '7', '8'],
      ['7', '8'],
    ]);
  });

  it('counts a response that names the first record as a retry: there is nothing to split at', () => {
    const { invocations, discards } = run({ bisects: true, retriesMax: 1 }, records(3), () => reporting('1'));

    expect(invocations).toEqual([
      ['1', '2', '3'],
      ['1', '2', '3'],
    ]);
    expect(discards[0]?.records).toHaveLength(3);
  });

  it('does not split what was throttled', () => {
    const { invocations } = run({ bisects: true }, records(3), once({ kind: 'unavailable' }));

    expect(invocations).toEqual([
      ['1', '2', '3'],
      ['1', '2', '3'],
    ]);
  });
});

describe('the age of records', () => {
  it('discards expired records alone and invokes with the rest', () => {
    const stream = records(3).map((record, index) => ({ ...record, arrivedAtMs: index === 1 ? -70_000 : 0 }));

    const { invocations, discards, checkpoints } = run({ recordAgeMsMax: 60_000 }, stream, () => succeeded);

    expect(invocations).toEqual([['1', '3']]);
    expect(discards).toHaveLength(1);
    expect(discards[0]).toMatchObject({ condition: 'RecordAgeExceeded', records: [{ sequenceNumber: '2' }] });
    expect(discards[0]).not.toHaveProperty('response');
    expect(checkpoints).toEqual(['3']);
  });

  it('discards records that expire while they are retried', () => {
    const { discards, checkpoints, nowMs } = run({ recordAgeMsMax: 60_000 }, records(3), () => failed);

    expect(discards).toHaveLength(1);
    expect(discards[0]).toMatchObject({ condition: 'RecordAgeExceeded', invocations: 7 });
    expect(discards[0]?.records).toHaveLength(3);
    expect(checkpoints).toEqual(['3']);
    expect(nowMs).toBeGreaterThan(60_000);
  });

  it('passes expired records at the end of a batch with the checkpoint', () => {
    const stream = records(3).map((record, index) => ({ ...record, arrivedAtMs: index === 2 ? -70_000 : 0 }));

    const { checkpoints } = run({ recordAgeMsMax: 60_000 }, stream, () => succeeded);

    expect(checkpoints).toEqual(['3']);
  });
});

describe('batches', () => {
  const settings = { ...SETTINGS, batchingWindowMs: 10_000 };
  const began = step(settings, initialState<MappedRecord>({ from: 'TRIM_HORIZON' }), { kind: 'tick' }, 0).state;
  const feed = (state: ShardState<MappedRecord>, given: readonly MappedRecord[], nowMs: number) =>
    step(settings, state, { kind: 'records', records: given }, nowMs);

  it('waits for the end of the batching window, counted from the first record', () => {
    const one = feed(began, records(1), 1_000);
    const none = feed(one.state, [], 1_000);

    const before = step(settings, none.state, { kind: 'tick' }, 10_999);
    const after = step(settings, none.state, { kind: 'tick' }, 11_000);

    expect(none.outputs).toContainEqual({ kind: 'wait', untilMs: 11_000 });
    expect(before.outputs.map((output) => output.kind)).toEqual(['wait']);
    expect(after.outputs).toContainEqual({ kind: 'invoke', records: records(1) });
  });

  it('does not begin its window anew with each record', () => {
    const first = feed(began, records(1), 1_000);
    const none = feed(first.state, [], 1_000);
    const added = step(settings, none.state, { kind: 'available' }, 9_000);

    const second = feed(added.state, records(2).slice(1), 9_000);

    expect(second.outputs).toContainEqual({ kind: 'wait', untilMs: 11_000 });
  });

  it('invokes before the end of the window once the batch is full', () => {
    const { outputs } = feed(began, records(3), 1_000);

    expect(outputs).toContainEqual({ kind: 'invoke', records: records(3) });
  });

  it('invokes before the end of the window once 6 MB are reached, within 6 MB', () => {
    const large = records(2, { payloadBytes: 4 * 1024 * 1024 });

    const { outputs } = feed(began, large, 1_000);

    expect(outputs).toContainEqual({ kind: 'invoke', records: large.slice(0, 1) });
  });

  it('discards a record that no invocation can carry, and goes on', () => {
    const stream = records(3).map((record, index) => ({
      ...record,
      payloadBytes: index === 1 ? PAYLOAD_BYTES_MAX : 100,
    }));

    const { invocations, discards } = run({}, stream, () => succeeded);

    expect(invocations).toEqual([['1'], ['3']]);
    expect(discards[0]).toMatchObject({ records: [{ sequenceNumber: '2' }], response: { statusCode: 413 } });
  });

  it('takes what there is without a window, at most the batch size', () => {
    const { invocations } = run({}, records(4), () => succeeded);

    expect(invocations).toEqual([['1', '2', '3'], ['4']]);
  });

  it('has one batch in flight, and reads the next meanwhile', () => {
    const first = feed(began, records(3), 0);

    const next = step(settings, first.state, { kind: 'available' }, 10);
    const more = step(settings, next.state, { kind: 'records', records: records(6).slice(3) }, 20);

    expect(first.outputs.map((output) => output.kind)).toEqual(['invoke', 'read']);
    expect(more.outputs).toEqual([]);
    expect(more.state.gathered).toHaveLength(3);
  });

  it('notices records that were added while it was reading', () => {
    const added = step(settings, began, { kind: 'available' }, 0);

    const empty = feed(added.state, [], 0);

    expect(empty.outputs.map((output) => output.kind)).toEqual(['read']);
  });
});

describe('starting positions', () => {
  const stream = records(6).map((record, index) => ({ ...record, arrivedAtMs: index * 1_000 }));
  const firstOf = (start: StartingPosition): string | undefined =>
    run({}, stream, () => succeeded, { start }).succeeded[0];

  it.each([
    ['TRIM_HORIZON starts at the oldest record', { from: 'TRIM_HORIZON' }, '1'],
    ['LATEST starts after the newest record at that time', { from: 'LATEST', tip: '4' }, '5'],
    ['LATEST of an empty shard starts at its first record', { from: 'LATEST', tip: undefined }, '1'],
    [
      'AT_TIMESTAMP starts at the first record that arrived then or later',
      { from: 'AT_TIMESTAMP', timestampMs: 1_500 },
      '3',
    ],
    ['AT_TIMESTAMP after all records waits', { from: 'AT_TIMESTAMP', timestampMs: 9_000 }, undefined],
    ['a checkpoint goes on after it', { from: 'CHECKPOINT', checkpoint: '2' }, '3'],
  ] as const)('%s', (_name, start, expected) => {
    expect(firstOf(start)).toBe(expected);
  });
});

describe('whatever the function does', () => {
  const settings = fc.record({
    batchSize: fc.integer({ min: 1, max: 12 }),
    batchingWindowMs: fc.constantFrom(0, 1_000),
    retriesMax: fc.integer({ min: -1, max: 4 }),
    recordAgeMsMax: fc.constantFrom(-1, 5_000, 60_000),
    bisects: fc.boolean(),
    reportsItemFailures: fc.boolean(),
  });
  const kinds = fc.array(fc.constantFrom('succeeds', 'throws', 'throttled', 'reports', 'unknown'), {
    minLength: 1,
    maxLength: 40,
  });
  const stream = fc
    .array(
      fc.record({
        arrivedAtMs: fc.integer({ min: -50_000, max: 5_000 }),
        payloadBytes: fc.integer({ min: 100, max: 3_000_000 }),
      }),
      { maxLength: 40 },
    )
    .map((given) => given.map((record, index): MappedRecord => ({ ...record, sequenceNumber: String(index + 1) })));

  it('invokes every record successfully or discards it, exactly once, or still holds it, in order', () => {
    fc.assert(
      fc.property(settings, stream, kinds, fc.nat(), (given, all, script, seed) => {
        const accepted: string[] = [];
        const answer: Answer = (batch, attempt) => {
          const kind = script[(attempt - 1) % script.length] ?? 'succeeds';
          const at = (seed + attempt) % batch.length;
          if (kind === 'throws') return failed;
          if (kind === 'throttled') return { kind: 'unavailable' };
          const lowest = given.reportsItemFailures && kind !== 'succeeds' ? at : batch.length;
          if (given.reportsItemFailures && kind === 'unknown') return reporting('no such record');
          accepted.push(...batch.slice(0, lowest));
          return lowest < batch.length ? reporting(batch[lowest]) : succeeded;
        };

        const result = run(given, all, answer, { invocationsMax: 300, invocationMs: 10 });

        const discarded = result.discards.flatMap((discard) => discard.records.map((record) => record.sequenceNumber));
        const held = [...result.state.portions.flatMap((portion) => portion.records), ...result.state.gathered].map(
          (record) => record.sequenceNumber,
        );
        const settledAll = [...accepted, ...discarded, ...held].map(Number).sort((a, b) => a - b);
        // Reads stop where the run was cut off, so what is held is the last of what was read.
        const read = Number(result.state.readUpTo ?? 0);
        if (result.invocations.length < 300)
          expect(settledAll).toEqual(Array.from({ length: read }, (_, index) => index + 1));
        expect(accepted.map(Number)).toEqual(accepted.map(Number).sort((a, b) => a - b));
        expect(new Set(accepted).size).toBe(accepted.length);
        const done = Number(result.state.checkpoint ?? 0);
        expect(settledAll.slice(0, done)).toEqual(Array.from({ length: done }, (_, index) => index + 1));
        for (const number of held.map(Number)) expect(number).toBeGreaterThan(done);
        expect(result.checkpoints.map(Number)).toEqual(result.checkpoints.map(Number).sort((a, b) => a - b));
      }),
      { numRuns: 500 },
    );
  });

  it('ends with everything settled when retries are limited', () => {
    fc.assert(
      fc.property(settings, stream, (given, all) => {
        const result = run({ ...given, retriesMax: 2 }, all, () => failed, { invocationsMax: 1_000 });

        expect(result.discards.flatMap((discard) => discard.records)).toHaveLength(all.length);
        expect(result.state.checkpoint).toBe(all.at(-1)?.sequenceNumber);
      }),
    );
  });

  it('keeps every invocation within the batch size and the payload', () => {
    fc.assert(
      fc.property(settings, stream, (given, all) => {
        const bytes = new Map(all.map((record) => [record.sequenceNumber, record.payloadBytes]));

        const { invocations } = run(given, all, () => succeeded);

        for (const batch of invocations) {
          expect(batch.length).toBeLessThanOrEqual(given.batchSize);
          expect(batch.reduce((sum, each) => sum + (bytes.get(each) ?? 0), 0)).toBeLessThanOrEqual(PAYLOAD_BYTES_MAX);
        }
      }),
    );
  });
});
