/** Runs one call of `putEvents`: takes records, puts what can be put, and waits until each is accounted for. */
import type { EncodeEvent } from './encode-event.ts';
import type { PacedPut } from './paced-put.ts';
import type { CallReceipt, PutCall } from './put-call.ts';
import { PutEventsError, type RefusedRecord } from './put-events-result.ts';
import { takeRecords } from './take-records.ts';

/** What happens to a record that does not conform to the dataset or that Kinesis would not take. */
export type WhenRefused = 'collect' | 'reject' | ((refused: RefusedRecord) => void | Promise<void>);

export interface Refusals {
  readonly whenRefused: WhenRefused;
  /** Refused records that may be listed. */
  readonly refusedMax: number;
}

export interface CallParts {
  readonly call: PutCall;
  readonly records: Iterable<unknown> | AsyncIterable<unknown>;
  readonly encode: EncodeEvent;
  readonly put: PacedPut;
  readonly refusals: Refusals;
  readonly signal: AbortSignal | undefined;
}

/**
 * @returns whether the input came to its end
 * @throws PutEventsError
 */
export async function runCall(parts: CallParts): Promise<boolean> {
  const { call, signal } = parts;
  const abort = (): void => call.stop.stop();
  signal?.addEventListener('abort', abort);
  if (signal?.aborted === true) abort();
  try {
    const isExhausted = await (parts.refusals.whenRefused === 'reject' ? putAll(parts) : putEach(parts));
    await call.untilSettled();
    return isExhausted;
  } catch (error) {
    // What was put before goes on its way, and is accepted or not.
    await call.untilSettled().catch(() => undefined);
    throw errorOf(error, call);
  } finally {
    signal?.removeEventListener('abort', abort);
  }
}

/** The error that a call ends with. */
export function errorOf(cause: unknown, call: PutCall): PutEventsError {
  const message = Error.isError(cause) ? cause.message : String(cause);
  const sentence = /[.!?]$/.test(message) ? message : `${message}.`;
  return new PutEventsError(`putEvents ended early: ${sentence}`, call.progress(), call.unaccepted(), { cause });
}

function putEach({ call, records, encode, put, refusals }: CallParts): Promise<boolean> {
  return takeRecords(records, call.stop, (record) => {
    const event = encode(record, call.taken);
    if ('data' in event) return put(call.take(event));
    return refuse(call, call.takeRefused(record, event), refusals);
  });
}

/** Reads the whole input before it puts the first record. */
async function putAll({ call, records, encode, put, refusals }: CallParts): Promise<boolean> {
  const receipts: CallReceipt[] = [];
  let firstRefused: RefusedRecord | undefined;
  const isExhausted = await takeRecords(records, call.stop, (record) => {
    const event = encode(record, call.taken);
    if ('data' in event) {
      receipts.push(call.take(event));
      return undefined;
    }
    const refused = call.takeRefused(record, event);
    firstRefused ??= refused;
    return refuse(call, refused, refusals);
  });
  if (firstRefused !== undefined) throw new Error(`${described(firstRefused)}; nothing was put.`);
  for (const receipt of receipts) await put(receipt);
  return isExhausted;
}

function refuse(call: PutCall, refused: RefusedRecord, refusals: Refusals): Promise<void> | undefined {
  const { whenRefused, refusedMax } = refusals;
  if (typeof whenRefused === 'function') return hand(call, refused, whenRefused);
  if (call.list(refused) <= refusedMax) return undefined;
  throw new Error(`${described(refused)}, and ${refusedMax} refused records may be listed.`);
}

/** A record that could not be handed over is listed. */
async function hand(call: PutCall, refused: RefusedRecord, whenRefused: Exclude<WhenRefused, string>): Promise<void> {
  try {
    await whenRefused(refused);
  } catch (error) {
    call.list(refused);
    throw error;
  }
}

function described({ position, message }: RefusedRecord): string {
  return `record ${position} was refused (${message.replace(/\.$/, '')})`;
}
