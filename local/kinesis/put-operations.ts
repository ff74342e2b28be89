/**
 * PutRecord and PutRecords. A call is answered when its records are on disk; records of one shard keep the order that
 * they have in the call.
 */
import { z } from 'zod';
import { type Operation, operation } from '../protocol/json.ts';
import { AwsError } from '../service.ts';
import type { OperationsContext } from './operations-context.ts';
import { checkEntries, checkEntry, type PutEntry } from './put-entry.ts';
import { encodeFrames, type Frames, InvalidBase64 } from './record-frame.ts';
import type { Stream } from './stream.ts';
import { findStream, StreamReference } from './stream-reference.ts';

/** https://docs.aws.amazon.com/kinesis/latest/APIReference/API_PutRecords.html */
const ENTRIES_MAX = 500;

const PutRecordsInput = StreamReference.extend({ Records: z.array(z.unknown()).min(1).max(ENTRIES_MAX) });

const PutRecordInput = StreamReference.extend({
  Data: z.unknown().optional(),
  PartitionKey: z.unknown().optional(),
  ExplicitHashKey: z.unknown().optional(),
  SequenceNumberForOrdering: z
    .string()
    .regex(/^(0|[1-9]\d{0,128})$/, 'is a decimal number')
    .optional(),
});

type EntryResult =
  | { readonly SequenceNumber: string; readonly ShardId: string }
  | { readonly ErrorCode: string; readonly ErrorMessage: string };

export function putOperations(context: OperationsContext): Readonly<Record<'PutRecord' | 'PutRecords', Operation>> {
  return {
    PutRecord: operation(PutRecordInput, async (input) => {
      const stream = findStream(context, input);
      const { recordBytesMax } = stream.definition;
      const entry = checkEntry(input, '', recordBytesMax);
      checkOrdering(context, stream, entry, input.SequenceNumberForOrdering);
      const [result] = await put(context, stream, [entry], 'PutRecord');
      if (result && 'SequenceNumber' in result) return { ...result };
      const status = result?.ErrorCode === THROTTLED ? 400 : 500;
      throw new AwsError(result?.ErrorCode ?? FAILED, result?.ErrorMessage ?? '', status);
    }),
    PutRecords: operation(PutRecordsInput, async (input) => {
      const stream = findStream(context, input);
      const { recordBytesMax } = stream.definition;
      const entries = checkEntries(input.Records, recordBytesMax);
      const results = await put(context, stream, entries, 'PutRecords');
      const failed = results.filter((result) => 'ErrorCode' in result).length;
      return { FailedRecordCount: failed, Records: results };
    }),
  };
}

const THROTTLED = 'ProvisionedThroughputExceededException';
const FAILED = 'InternalFailure';

/** Entries that go to one shard, and where they stand in the call. */
interface ShardPut {
  readonly shardId: string;
  readonly entries: PutEntry[];
  readonly indexes: number[];
}

/** Resolves when all that was taken is on disk and readable. */
async function put(
  context: OperationsContext,
  stream: Stream,
  entries: readonly PutEntry[],
  operation: keyof ReturnType<typeof putOperations>,
): Promise<EntryResult[]> {
  const results: EntryResult[] = new Array(entries.length);
  const puts = new Map<string, ShardPut>();
  for (const [index, entry] of entries.entries()) {
    const shardId = stream.route(entry.hashKey);
    if (context.faults.rejects(operation) || !takes(context, stream, shardId, entry)) {
      results[index] = { ErrorCode: THROTTLED, ErrorMessage: throttled(context, stream, shardId) };
      continue;
    }
    const shardPut = puts.get(shardId) ?? { shardId, entries: [], indexes: [] };
    shardPut.entries.push(entry);
    shardPut.indexes.push(index);
    puts.set(shardId, shardPut);
  }
  // Everything is encoded before anything is written: data that is not base64 fails the whole call. And everything is
  // handed over before anything is awaited: calls are kept in the order in which they came.
  const encoded = [...puts.values()].map((each) => ({ ...each, frames: encode(each, context.clock.now()) }));
  const written = encoded.map(({ shardId, frames }) => append(context, stream, shardId, frames));
  for (const [order, numbers] of (await Promise.all(written)).entries()) {
    const { shardId, indexes } = encoded[order] ?? { shardId: '', indexes: [] };
    for (const [place, index] of indexes.entries()) {
      const SequenceNumber = numbers?.[place];
      results[index] =
        SequenceNumber === undefined
          ? { ErrorCode: FAILED, ErrorMessage: 'Internal service failure.' }
          : { SequenceNumber, ShardId: shardId };
    }
  }
  return results;
}

function takes(context: OperationsContext, stream: Stream, shardId: string, entry: PutEntry): boolean {
  return context.limits.takes(`${stream.definition.name}/${shardId}`, entry.dataBytes + entry.keyBytes);
}

function throttled(context: OperationsContext, stream: Stream, shardId: string): string {
  return `Rate exceeded for shard ${shardId} in stream ${stream.definition.name} under account ${context.account}.`;
}

function encode({ entries, indexes }: ShardPut, arrivedAtMs: number): Frames {
  try {
    return encodeFrames(entries, arrivedAtMs);
  } catch (error) {
    if (!(error instanceof InvalidBase64)) throw error;
    const index = indexes[error.index] ?? error.index;
    throw new AwsError('SerializationException', `Data of record ${index + 1} of the call is not valid base64.`);
  }
}

/** Undefined when the disk refused; the entries then fail as AWS lets them, and the client sends them again. */
async function append(
  context: OperationsContext,
  stream: Stream,
  shardId: string,
  frames: Frames,
): Promise<readonly string[] | undefined> {
  try {
    return await stream.append(shardId, frames);
  } catch (error) {
    context.warn(`kinesis: ${stream.definition.name} ${shardId} did not take ${frames.ends.length} records: ${error}`);
    return undefined;
  }
}

/** The number must be one that was given out: the record's own is then larger without further ado. */
function checkOrdering(context: OperationsContext, stream: Stream, entry: PutEntry, after: string | undefined): void {
  if (after === undefined) return;
  const isKnown = stream.shards.some(({ shardId }) => {
    const open = stream.find(shardId);
    const position = open?.numbers.positionOf(after);
    return open !== undefined && position !== undefined && position < open.log.end.position;
  });
  if (isKnown) return;
  const { name } = stream.definition;
  throw new AwsError(
    'InvalidArgumentException',
    `SequenceNumberForOrdering ${after} used in PutRecord for key ${entry.partitionKey} on stream ${name} under account ${context.account} is invalid: no record of the stream has it.`,
  );
}
