/**
 * The event source mapping of one Kinesis shard as a state machine: what is invoked, retried, split, given up, and how
 * far the shard is done. Pure: no I/O and no clock; the time comes with each input. The local runtime and the simulator
 * drive the same machine.
 *
 * Guarantees: records are invoked in the order of the shard, one batch in flight; the checkpoint passes a record only
 * after an invocation with it succeeded or after it was discarded; nothing is skipped.
 *
 * Sources: https://docs.aws.amazon.com/lambda/latest/dg/services-kinesis-parameters.html,
 * https://docs.aws.amazon.com/lambda/latest/dg/services-kinesis-batchfailurereporting.html.
 */
import { readBatchResponse } from './batch-response.ts';
import type {
  Input,
  InvocationResult,
  MappedRecord,
  MappingSettings,
  Output,
  Portion,
  ShardState,
} from './shard-state.ts';

export interface Step<R extends MappedRecord> {
  readonly state: ShardState<R>;
  readonly outputs: readonly Output<R>[];
}

/** Bytes of a synchronous invocation's payload: 6 MB. Source: lambda/latest/dg/gettingstarted-limits.html */
export const PAYLOAD_BYTES_MAX = 6 * 1024 * 1024;
/** Bytes kept for what surrounds the records: `{"Records":[]}`. */
const ENVELOPE_BYTES = 14;
/** AWS documents that the backoff is exponential, not its figures. These are ours. */
export const BACKOFF_FIRST_MS = 500;
export const BACKOFF_MS_MAX = 30_000;

/** Takes in one input and says what to do now. Every output is given once. */
export function step<R extends MappedRecord>(
  settings: MappingSettings,
  before: ShardState<R>,
  input: Input<R>,
  nowMs: number,
): Step<R> {
  const taken = takeIn(settings, before, input, nowMs);
  const { state, output } = act(settings, taken, nowMs);
  const read = wish(settings, state);
  const outputs: Output<R>[] = [];
  const done = state.checkpoint;
  if (done !== undefined && done !== before.checkpoint) outputs.push({ kind: 'checkpoint', sequenceNumber: done });
  if (output) outputs.push(output);
  if (!read) return { state, outputs };
  outputs.push(read);
  return { state: { ...state, reading: true, addedWhileReading: false }, outputs };
}

function takeIn<R extends MappedRecord>(
  settings: MappingSettings,
  state: ShardState<R>,
  input: Input<R>,
  nowMs: number,
): ShardState<R> {
  switch (input.kind) {
    case 'tick':
      return state;
    case 'available':
      return { ...state, caughtUp: false, addedWhileReading: state.reading };
    case 'records':
      return gather(state, input.records, nowMs);
    case 'invoked':
      if (state.underWay !== 'invocation') throw new Error('A result came, and no invocation is under way.');
      return afterInvocation(settings, { ...state, underWay: 'nothing' }, input.result, nowMs);
    case 'discarded':
      return afterDiscard(state);
  }
}

function gather<R extends MappedRecord>(state: ShardState<R>, records: readonly R[], nowMs: number): ShardState<R> {
  if (!state.reading) throw new Error('Records came, and no read is under way.');
  const answered = { ...state, reading: false, caughtUp: records.length === 0 && !state.addedWhileReading };
  const newest = records.at(-1);
  if (!newest) return answered;
  const { startsAtMs } = state;
  const first = startsAtMs === undefined ? 0 : records.findIndex((record) => record.arrivedAtMs >= startsAtMs);
  const wanted = first < 0 ? [] : records.slice(first);
  const passedOver = first < 0 ? newest : records[first - 1];
  return {
    ...answered,
    readUpTo: newest.sequenceNumber,
    checkpoint: passedOver ? passedOver.sequenceNumber : state.checkpoint,
    startsAtMs: first < 0 ? startsAtMs : undefined,
    gathered: state.gathered.length === 0 ? wanted : state.gathered.concat(wanted),
    gatheredBytes: state.gatheredBytes + bytesOf(wanted),
    gatheringSinceMs: state.gathered.length === 0 ? nowMs : state.gatheringSinceMs,
  };
}

function afterInvocation<R extends MappedRecord>(
  settings: MappingSettings,
  state: ShardState<R>,
  result: InvocationResult,
  nowMs: number,
): ShardState<R> {
  const [tried, ...rest] = state.portions;
  if (!tried) throw new Error('An invocation ended whose batch is not known.');
  if (result.kind === 'unavailable') return backOff(state, [tried, ...rest], nowMs);

  const outcome =
    result.kind === 'failed'
      ? ({ kind: 'invalid' } as const)
      : settings.reportsItemFailures
        ? readBatchResponse(
            result.payload,
            tried.records.map((record) => record.sequenceNumber),
          )
        : ({ kind: 'succeeded' } as const);
  if (outcome.kind === 'succeeded') return progress(state, tried.end, rest);

  // Everything from the lowest reported sequence number on is retried, even what succeeded.
  const lowest = outcome.kind === 'failed' ? (outcome.indexes[0] ?? 0) : 0;
  const lastDone = tried.records[lowest - 1];
  if (lastDone) {
    return progress(state, lastDone.sequenceNumber, [
      { records: tried.records.slice(lowest), end: tried.end, invocations: 0 },
      ...rest,
    ]);
  }
  if (settings.bisects && outcome.kind === 'invalid' && tried.records.length > 1) {
    return { ...state, portions: [...halves(tried), ...rest], failuresInRow: 0, retryAtMs: nowMs };
  }
  const invocations = tried.invocations + 1;
  const response = { statusCode: 200, functionError: result.kind === 'failed' ? result.functionError : null };
  if (settings.retriesMax >= 0 && invocations > settings.retriesMax) {
    return { ...state, portions: [{ ...tried, invocations, givenUp: response }, ...rest] };
  }
  return backOff(state, [{ ...tried, invocations }, ...rest], nowMs);
}

function halves<R extends MappedRecord>(portion: Portion<R>): readonly Portion<R>[] {
  const middle = Math.ceil(portion.records.length / 2);
  const left = portion.records.slice(0, middle);
  const right = portion.records.slice(middle);
  return [
    { records: left, end: left.at(-1)?.sequenceNumber ?? portion.end, invocations: 0 },
    { records: right, end: portion.end, invocations: 0 },
  ];
}

function backOff<R extends MappedRecord>(
  state: ShardState<R>,
  portions: readonly Portion<R>[],
  nowMs: number,
): ShardState<R> {
  const delayMs = Math.min(BACKOFF_MS_MAX, BACKOFF_FIRST_MS * 2 ** Math.min(state.failuresInRow, 20));
  return { ...state, portions, failuresInRow: state.failuresInRow + 1, retryAtMs: nowMs + delayMs };
}

function progress<R extends MappedRecord>(
  state: ShardState<R>,
  checkpoint: string,
  portions: readonly Portion<R>[],
): ShardState<R> {
  return { ...state, checkpoint, portions, failuresInRow: 0, retryAtMs: 0 };
}

function afterDiscard<R extends MappedRecord>(state: ShardState<R>): ShardState<R> {
  const [first, ...rest] = state.portions;
  if (!first || typeof state.underWay === 'string') throw new Error('Nothing is being discarded.');
  const { at, discarding } = state.underWay;
  const last = first.records[at + discarding - 1];
  const records = first.records.toSpliced(at, discarding);
  const settled = { ...state, underWay: 'nothing' as const };
  if (records.length === 0) return progress(settled, first.end, rest);
  const portions = [{ ...first, records }, ...rest];
  return at === 0 && last ? { ...settled, checkpoint: last.sequenceNumber, portions } : { ...settled, portions };
}

function act<R extends MappedRecord>(
  settings: MappingSettings,
  before: ShardState<R>,
  nowMs: number,
): { readonly state: ShardState<R>; readonly output?: Output<R> } {
  if (before.underWay !== 'nothing') return { state: before };
  const state = before.portions.length > 0 ? before : formBatch(settings, before, nowMs);
  const portion = state.portions[0];
  if (!portion) {
    if (state.gathered.length === 0 || settings.batchingWindowMs === 0) return { state };
    return { state, output: { kind: 'wait', untilMs: state.gatheringSinceMs + settings.batchingWindowMs } };
  }
  const { records, invocations, givenUp } = portion;
  if (givenUp) {
    const discard = { kind: 'discard', records, condition: 'RetryAttemptsExhausted', invocations } as const;
    const underWay = { at: 0, discarding: records.length };
    return { state: { ...state, underWay }, output: { ...discard, response: givenUp } };
  }
  const expired = expiredRun(settings, records, nowMs);
  if (expired) {
    const gone = records.slice(expired.at, expired.at + expired.discarding);
    const output = { kind: 'discard', records: gone, condition: 'RecordAgeExceeded', invocations } as const;
    return { state: { ...state, underWay: expired }, output };
  }
  if (nowMs < state.retryAtMs) return { state, output: { kind: 'wait', untilMs: state.retryAtMs } };
  return { state: { ...state, underWay: 'invocation' }, output: { kind: 'invoke', records } };
}

/** The first run of neighbouring records that are too old. */
function expiredRun<R extends MappedRecord>(
  settings: MappingSettings,
  records: readonly R[],
  nowMs: number,
): { readonly at: number; readonly discarding: number } | undefined {
  if (settings.recordAgeMsMax < 0) return undefined;
  const isExpired = (record: R): boolean => nowMs - record.arrivedAtMs > settings.recordAgeMsMax;
  const at = records.findIndex(isExpired);
  if (at < 0) return undefined;
  const next = records.findIndex((record, index) => index > at && !isExpired(record));
  return { at, discarding: (next < 0 ? records.length : next) - at };
}

/** Takes a batch from what is gathered, if it is full or its time has come. */
function formBatch<R extends MappedRecord>(
  settings: MappingSettings,
  state: ShardState<R>,
  nowMs: number,
): ShardState<R> {
  const { gathered } = state;
  if (gathered.length === 0) return state;
  const { count, isFull } = batchOf(settings, gathered);
  const isDue =
    settings.batchingWindowMs === 0 ? state.caughtUp : nowMs >= state.gatheringSinceMs + settings.batchingWindowMs;
  if (!isFull && !isDue) return state;
  const isTooLarge = count === 0;
  const records = gathered.slice(0, Math.max(1, count));
  const end = records.at(-1)?.sequenceNumber ?? '';
  // No invocation can carry the record. A batch of its own, given up at once, keeps it from blocking the shard.
  const givenUp = isTooLarge ? { givenUp: { statusCode: 413, functionError: null } } : {};
  return {
    ...state,
    gathered: gathered.slice(records.length),
    gatheredBytes: state.gatheredBytes - bytesOf(records),
    gatheringSinceMs: nowMs,
    portions: [{ records, end, invocations: isTooLarge ? 1 : 0, ...givenUp }],
  };
}

/** How many of the records fit one invocation (0: not even the first), and whether no further one would. */
function batchOf<R extends MappedRecord>(
  settings: MappingSettings,
  records: readonly R[],
): { readonly count: number; readonly isFull: boolean } {
  let bytes = ENVELOPE_BYTES;
  let count = 0;
  for (const record of records) {
    bytes += record.payloadBytes;
    if (bytes > PAYLOAD_BYTES_MAX) return { count, isFull: true };
    count += 1;
    if (count === settings.batchSize) return { count, isFull: true };
  }
  return { count, isFull: false };
}

/** Reads while less than a batch is gathered, also while another batch is in flight. */
function wish<R extends MappedRecord>(settings: MappingSettings, state: ShardState<R>): Output<R> | undefined {
  const recordsMax = settings.batchSize - state.gathered.length;
  const payloadBytesLeft = PAYLOAD_BYTES_MAX - state.gatheredBytes;
  if (state.reading || state.caughtUp || recordsMax <= 0 || payloadBytesLeft <= 0) return undefined;
  // Base64 makes 4 bytes of 3.
  const bytesMax = Math.max(1, Math.floor((payloadBytesLeft * 3) / 4));
  return { kind: 'read', after: state.readUpTo, recordsMax, bytesMax };
}

function bytesOf(records: readonly MappedRecord[]): number {
  return records.reduce((sum, record) => sum + record.payloadBytes, 0);
}
