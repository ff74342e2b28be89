/**
 * Bugs that are planted one by one, to see that the simulation finds each. A mutation replaces a text that stands exactly
 * once in its file: when the code moves on, its mutation has to move with it.
 */

export interface Mutation {
  /** What is wrong with it. */
  readonly bug: string;
  readonly file: string;
  readonly find: string;
  readonly replace: string;
  /** A seed that shows it, asked first: a rare one would take hundreds. Where the code has moved on, all are asked. */
  readonly seed?: number;
}

const BOOKS = 'processors/books/books.ts';
const BATCH = 'processors/process-batch.ts';
const HANDLER = 'processors/realtime.ts';
const DELIVERY = 'processors/adapters/firehose-delivery.ts';
const REDRIVE_PARKED = 'batch/redrive/redrive-parked.ts';
const MAPPING = 'local/lambda/event-source-mapping.ts';

export const MUTATIONS: readonly Mutation[] = [
  {
    bug: 'commits before its documents are delivered',
    file: BATCH,
    find: 'from(start()).pipe(map((settled) => ({ settled, bytes })))',
    replace: "(void start(), of({ settled: { table: '', undone: undefined, reason: undefined }, bytes }))",
  },
  {
    bug: 'moves the checkpoint without comparing it',
    file: BOOKS,
    find: 'expect: { position, revision }',
    replace: 'expect: {}',
    seed: 24,
  },
  {
    bug: 'writes over what another attempt has written, as long as the position is the same',
    file: BOOKS,
    find: 'expect: { position, revision }',
    replace: 'expect: { position }',
    seed: 670,
  },
  {
    bug: 'takes any conflict for a batch that is done',
    file: BOOKS,
    find: "if (typeof now === 'string' && now >= to) return done;",
    replace: 'return done;',
    seed: 425,
  },
  {
    bug: 'forgets what another attempt has pinned',
    file: BOOKS,
    find: 'const isAllDone = checkpoint.lastEnd <= upTo;',
    replace: 'const isAllDone = true;',
    seed: 17,
  },
  {
    bug: 'judges a retry by the threshold of the day',
    file: BOOKS,
    find: 'setOnce: { quality_threshold',
    replace: 'set: { quality_threshold',
    seed: 17,
  },
  {
    bug: 'gives records up for an outage',
    file: BOOKS,
    find: 'if (!isAllDone && alone === 0 && acceptedBeyond(upTo, begun.accepted, work).size === 0) return;',
    replace: 'if (upTo !== undefined) return;',
  },
  {
    bug: 'takes for accepted what it never was',
    file: BOOKS,
    find: 'const last = work?.records[count - 1];',
    replace: 'const last = work?.records.at(-1);',
  },
  {
    bug: 'reports the highest undelivered record, not the lowest',
    file: BATCH,
    find: 'undone = Math.min(undone, lowest);',
    replace: 'undone = lowest === recordCount ? undone : undone === recordCount ? lowest : Math.max(undone, lowest);',
  },
  {
    bug: 'lets records overtake one whose claim failed',
    file: BATCH,
    find: 'if (progress.isLeft(recordIndexOf(items[0]))) return EMPTY;',
    replace: '',
  },
  {
    bug: 'goes on although a claim failed',
    file: BATCH,
    find: 'undone = Math.min(undone, recordIndex);',
    replace: '',
  },
  {
    bug: 'processes again what is at or below the checkpoint',
    file: HANDLER,
    find: 'const redelivered = countUpTo(records, opened.doneUpTo);',
    replace: 'const redelivered = 0;',
  },
  {
    bug: 'leaves out the first record beyond the checkpoint',
    file: HANDLER,
    find: 'const undone = records[redelivered + done];',
    replace: 'const undone = records[redelivered + done + 1];',
  },
  {
    bug: 'tries a record that kills the function for ever',
    file: HANDLER,
    find: 'const isFatal = opened.attemptsAlone > settings.retriesMax;',
    replace: 'const isFatal = false;',
  },
  {
    bug: 'files a record whose row an earlier decision had accepted',
    file: HANDLER,
    find: 'isFatal ? NONE_ACCEPTED : leadingRecords(records, opened.acceptedUpTo)',
    replace: 'leadingRecords(records, opened.acceptedUpTo)',
    seed: 1728,
  },
  {
    bug: 'sends accepted entries again with the rejected ones',
    file: DELIVERY,
    find: 'return records.filter((_, index) => reply.RequestResponses?.[index]?.RecordId === undefined);',
    replace: 'return [...records];',
    seed: 18,
  },
  {
    bug: 'does not look at FailedPutCount',
    file: DELIVERY,
    find: 'if (reply.FailedPutCount === 0) return [];',
    replace: 'return [];',
  },
  {
    bug: 'claims without an owner: whoever comes passes',
    file: 'processors/books/claims.ts',
    find: 'attributes: { owner, generation, expires_at }',
    replace: 'attributes: { owner: owner.slice(0, 0), generation, expires_at }',
  },
  {
    bug: 'claims for the attempt, not for the record: a retry finds its own claim taken',
    file: 'processors/books/claims.ts',
    find: 'attributes: { owner, generation, expires_at }',
    replace: 'attributes: { owner: owner + clock.now(), generation, expires_at }',
  },
  {
    bug: 'folds the journal without its cursor',
    file: 'batch/ledger/cursor.ts',
    find: `    expect: {
      position: before.position,
      part: before.part,
      entries: before.entries,
      records: before.records,
    },
`,
    replace: '',
    seed: 28,
  },
  {
    bug: 'counts a landed object as often as it is told of it',
    file: 'processors/landed/enter-once.ts',
    find: 'await table.transact([entry, ...updates]);',
    replace: 'await table.transact([entry, ...updates]).catch(() => table.transact(updates));',
  },
  {
    bug: 'answers for a tape object that was not kept',
    file: 'processors/tape.ts',
    find: 'return failure === undefined',
    replace: 'return failure !== null',
  },
  {
    bug: 'goes by the last failure that a function reports',
    file: MAPPING,
    find: "const lowest = outcome.kind === 'failed' ? (outcome.indexes[0] ?? 0) : 0;",
    replace: "const lowest = outcome.kind === 'failed' ? (outcome.indexes[0] ?? 0) + 1 : 0;",
  },
  {
    bug: 'reads children of a shard before their parents are drained',
    file: 'local/lambda/shard-lineage.ts',
    find: '!parents.some((parent) => unfinished.has(parent))',
    replace: 'parents.length >= 0',
    seed: 84,
  },
  {
    bug: 'loses a child shard',
    file: 'local/lambda/shard-lineage.ts',
    find: 'unfinished.has(shardId) &&',
    replace: 'unfinished.has(shardId) && (parents.length === 0 || !shardId.endsWith("1")) &&',
  },
  {
    bug: 'marks a parked document redriven before its records are put',
    file: REDRIVE_PARKED,
    find: "await ports.put(frames);\n  await mark(table, item, 'redriving', 'redriven', now());",
    replace: "await mark(table, item, 'redriving', 'redriven', now());\n  await ports.put(frames);",
    seed: 74,
  },
  {
    bug: 'plays parked records that the journal counts',
    file: REDRIVE_PARKED,
    find: 'records.filter((record) => !counted.has(record))',
    replace: 'records.filter(() => counted.size >= 0)',
    seed: 24,
  },
  {
    bug: 'leaves parked records that an entry spans, as if it counted them',
    file: REDRIVE_PARKED,
    find: 'leftOut.has(position) ? [] : [position]',
    replace: '[position]',
    seed: 216,
  },
  {
    bug: 'plays a record again as often as before, and not once more',
    file: 'streams/replay-frame.ts',
    find: '{ ...before, generation: before.generation + 1 }',
    replace: 'before',
    seed: 13,
  },
  {
    bug: 'loses the last documents of an error object',
    file: 'batch/redrive/misdelivered-documents.ts',
    find: 'seal();\n  return records;',
    replace: 'return records;',
    seed: 48,
  },
  {
    bug: 'does not claim what is played again',
    file: BATCH,
    find: 'concatMap(claiming(haveReplays, claimReplays)),',
    replace: '',
  },
  {
    bug: 'lets a replay take over an event that another has delivered',
    file: 'processors/claim-items.ts',
    find: 'event.subsequenceNumber),\n    generation: 0,',
    replace: 'event.subsequenceNumber),\n    generation: origin.replay?.generation ?? 0,',
    seed: 675,
  },
  {
    bug: 'takes parked records for lost when it reconciles',
    file: 'batch/reconcile/compare-shard.ts',
    find: 'if (parked.some((range) => covers(range, place.position))) sums.parkedRecords += 1;',
    replace: 'if (parked.length < 0) sums.parkedRecords += 1;',
  },
  {
    bug: 'tells of rows that are missing, and of none that are too many',
    file: 'batch/reconcile/compare-tables.ts',
    find: 'if (!isSameSum(wanted, found))',
    replace: 'if (wanted.count > found.count)',
  },
  {
    bug: 'counts a row that is there three times as one duplicate',
    file: 'batch/reconcile/compare-tables.ts',
    find: 'duplicates += found.rows - found.count;',
    replace: 'duplicates += 1;',
  },
  {
    bug: 'traces what was played again to where it first stood alone',
    file: 'batch/trace/trace.ts',
    find: 'journalOf(playedAt ??',
    replace: 'journalOf((playedAt ? undefined : undefined) ??',
    seed: 24,
  },
  {
    bug: 'keeps a position that passes records which are not on the stream yet',
    file: 'batch/ingestion/ordered-puts.ts',
    find: '    this.#last = step;\n',
    replace: '    this.#last = step;\n    this.#done = step;\n',
    seed: 52,
  },
  {
    bug: 'says that a run is read whole before its last records are put',
    file: 'batch/ingestion/produce-run.ts',
    find: 'ending = await readSteps(readRun(production.run, deadline), deadline, production);\n    await production.puts.flush();',
    replace: 'ending = await readSteps(readRun(production.run, deadline), deadline, production);',
  },
  {
    bug: 'asks nobody to go on with a run when its time is over',
    file: 'batch/ingestion/produce-run.ts',
    find: "await production.ports.request({ kind: 'run', runId: production.run.id });",
    replace: '',
    seed: 12,
  },
  {
    bug: 'takes a message for done that failed',
    file: 'batch/ingestion/handler.ts',
    find: '        throw error;\n      }\n    }',
    replace: '      }\n    }',
  },
  {
    bug: 'counts a copy of a chunk for its run',
    file: 'processors/claim-items.ts',
    find: 'await withoutHeld(items, ofRuns, port, duplicateOfNoRun)',
    replace: 'await withoutHeld(items, ofRuns, port)',
  },
  {
    bug: 'counts the records of a request before they are put',
    file: 'batch/pipelines/put-records.ts',
    find: 'await ports.stream.put(chunks);\n  const counted = await ports.runs.add(run.id, request, records.length);',
    replace:
      'const counted = await ports.runs.add(run.id, request, records.length);\n  void ports.stream.put(chunks).catch(() => undefined);',
  },
  {
    bug: 'counts the records of a request each time that it is asked',
    file: 'batch/runs/create-runs.ts',
    find: 'await table.transact([update, put]);',
    replace: 'await table.update(update);',
    seed: 72,
  },
  {
    bug: 'ends a run before what it delivered has landed',
    file: 'batch/runs/advance-run.ts',
    find: 'isNoted(run, counts) && waiting.length === 0 && comingBack === 0',
    replace: 'isNoted(run, counts) && comingBack === 0',
  },
  {
    bug: 'ends a run by a copy of what it has put',
    file: 'batch/runs/advance-run.ts',
    find: 'return accountedOf(counts) >= run.produced ||',
    replace: 'return accountedOf(counts) > 0 ||',
    seed: 216,
  },
];
