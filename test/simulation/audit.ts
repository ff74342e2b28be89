/**
 * Holds what happens against what was put. It sees each write and each answer as it happens; the rest is judged when
 * the world is at rest (`audit-at-rest.ts`).
 */
import { z } from 'zod';
import { readJournalEntry } from '../../processors/books/journal-entry.ts';
import { claimKey, journalPartition } from '../../processors/books/keys.ts';
import type { StateWrite } from '../../processors/books/state-table.ts';
import { formatPosition } from '../../streams/position.ts';
import type { Conditions } from './conditions.ts';
import { type Decision, expectedGroups, fingerprintOf, type Judge, textOfGroups } from './expected-groups.ts';
import type { SimulatedFirehose } from './firehose.ts';
import type { Invocation } from './function-host.ts';
import { type MappedBatch, spanOf } from './mapping.ts';
import { outcomeOf, type PlannedOutcome } from './planned-events.ts';
import { STREAM_CREATED_AT_MS } from './processor.ts';
import { THRESHOLDS } from './scenario.ts';
import { STREAM_ARN, type StreamEvent, type StreamedRecord } from './stream.ts';
import { Violation } from './violation.ts';

/** What is known of a record of the stream. */
export interface RecordAccount {
  readonly record: StreamedRecord;
  /** How the entry that counts it was decided; undefined: none counts it. */
  decision: Decision | undefined;
  countedBy: string | undefined;
  /** Played again, and counted as nothing but duplicates: another that plays the same record holds its claim. */
  isSuperseded: boolean;
  isParked: boolean;
  /** Invocations with it alone. */
  readonly alone: Invocation<MappedBatch>[];
  /** Times that a process died of it while it was alone. */
  diedAlone: number;
}

export interface Audit {
  readonly judge: Judge;
  /** Who holds the claim on an event: `_position`. */
  holderOf(event: StreamEvent): string | undefined;
  /** Whether an event in it ends the process, if it gets so far. */
  isPoison(record: StreamedRecord): boolean;
  accountOf(record: StreamedRecord): RecordAccount;
  onInvoke(invocation: Invocation<MappedBatch>): void;
  onWritten(invocation: Invocation<MappedBatch>, writes: readonly StateWrite[]): void;
  /** What a redrive has written: it claims a frame that may have a copy on the stream, before it plays it on. */
  onRedriven(requestId: string, writes: readonly StateWrite[]): void;
  onAnswer(invocation: Invocation<MappedBatch>, answer: unknown): void;
  onPoison(invocation: Invocation<MappedBatch>): void;
  onParked(records: readonly StreamedRecord[]): void;
  /** Every poller begins anew: attempts that are under way have company from now on. */
  onRestart(): void;
}

const answerSchema = z.object({ batchItemFailures: z.array(z.object({ itemIdentifier: z.string() })).max(1) });

/** How long a request of a dead process may still be on its way. */
const ON_ITS_WAY_MS = 25_000;

export const shardRef = (shardId: string) => ({ streamArn: STREAM_ARN, createdAtMs: STREAM_CREATED_AT_MS, shardId });

export function createAudit(conditions: Conditions, firehose: SimulatedFirehose): Audit {
  const { time, scenario } = conditions;
  const accounts = new Map<StreamedRecord, RecordAccount>();
  const positions = new Map<string, string>();
  const holders = new Map<string, { readonly owner: string; readonly generation: number }>();
  /** Attempts that are under way, or had been until lately, by shard. */
  const lately = new Map<string, { readonly invocation: Invocation<MappedBatch>; endedAtMs: number | undefined }[]>();

  function accountOf(record: StreamedRecord): RecordAccount {
    let account = accounts.get(record);
    if (account === undefined) {
      const counted = { decision: undefined, countedBy: undefined, isSuperseded: false };
      account = { record, ...counted, isParked: false, alone: [], diedAlone: 0 };
      accounts.set(record, account);
    }
    return account;
  }

  function holderOf({ planned }: StreamEvent): string | undefined {
    return planned.claim && holders.get(claimKey(planned.claim.subject).pk)?.owner;
  }

  function isDuplicate(event: StreamEvent): boolean {
    const holder = holderOf(event);
    return holder !== undefined && holder !== claimant(event);
  }

  function replayHolder(record: StreamedRecord) {
    return record.replay && holders.get(claimKey(`replay#${placeOf(record.replay.first)}`).pk);
  }

  /** As it stands, or as it stood when the record was counted. */
  function isSuperseded(record: StreamedRecord): boolean {
    const account = accounts.get(record);
    if (account?.countedBy !== undefined) return account.isSuperseded;
    const holder = replayHolder(record);
    return holder !== undefined && holder.owner !== placeOf(record) && holder.generation >= generationOf(record);
  }

  function outcomeAt(event: StreamEvent, qualityThreshold: number): PlannedOutcome {
    const { planned } = event;
    if (isSuperseded(event.record)) return { outcome: 'duplicate', score: 0 };
    const judged = outcomeOf(planned, qualityThreshold);
    const isClaimed =
      planned.claim?.by === 'record' || (planned.claim?.by === 'event' && judged.outcome === 'delivered');
    return isClaimed && isDuplicate(event) ? { outcome: 'duplicate', score: 0 } : judged;
  }
  const judge: Judge = { outcomeOf: outcomeAt, isSuperseded };

  /** What another has the chunk of is not transformed. */
  function isPoison(record: StreamedRecord): boolean {
    if (isSuperseded(record)) return false;
    return record.events.some((event) => {
      const { kind, claim } = event.planned;
      return kind === 'poison' && !(claim?.by === 'record' && isDuplicate(event));
    });
  }

  function checkClaim(requestId: string, put: Extract<StateWrite, { kind: 'put' }>): void {
    const { owner, generation } = put.attributes;
    const holder = holders.get(put.key.pk);
    if (typeof owner !== 'string' || typeof generation !== 'number') throw new TypeError(`a claim on ${put.key.pk}`);
    // Only what is played again takes over, and only from what played the same record before.
    const takesOver = put.key.pk.startsWith(REPLAYS) && holder !== undefined && holder.generation < generation;
    if (holder !== undefined && holder.owner !== owner && !takesOver) {
      throw new Violation('claimed once', `${requestId}: ${put.key.pk} by ${holder.owner}, and by ${owner}`);
    }
    holders.set(put.key.pk, { owner, generation });
  }

  function decisionsFor(records: readonly StreamedRecord[], invocation: Invocation<MappedBatch>): Decision[] {
    const [only, ...others] = records;
    const decisions: Decision[] = records.some(isPoison) ? [] : [...THRESHOLDS];
    if (only === undefined || others.length > 0) return decisions;
    const unanswered = accountOf(only).alone.filter((each) => each !== invocation && each.mayRepeat !== undefined);
    return unanswered.length >= scenario.retriesMax ? [...decisions, 'killed'] : decisions;
  }

  function checkEntry(invocation: Invocation<MappedBatch>, put: Extract<StateWrite, { kind: 'put' }>): void {
    const { shardId, records: batch } = invocation.input;
    const entry = readJournalEntry(shardRef(shardId), { ...put.key, attributes: put.attributes });
    const records = batch.filter(({ sequenceNumber }) => sequenceNumber > entry.after && sequenceNumber <= entry.to);
    const where = `${invocation.requestId} counts ${spanOf(records)}`;
    const fingerprint = records.reduce((sum, record) => sum + BigInt(fingerprintOf(record)), 0n);
    if (records.length !== entry.records || fingerprint !== entry.fingerprint || records.length === 0) {
      throw new Violation('an entry counts its records', `${where}, and says ${entry.records}, ${entry.fingerprint}`);
    }
    for (const record of records) {
      const account = accountOf(record);
      if (account.countedBy !== undefined) {
        throw new Violation('counted once', `${where}: #${record.index} was counted by ${account.countedBy}`);
      }
      account.isSuperseded = isSuperseded(record);
      account.countedBy = invocation.requestId;
    }
    const said = textOfGroups(entry.groups);
    const decisions = decisionsFor(records, invocation);
    const decision = decisions.find((each) => expectedGroups(records, each, judge) === said);
    if (decision === undefined) {
      const expected = decisions.map((each) => `${each}:\n${expectedGroups(records, each, judge)}`).join('\n');
      throw new Violation('outcomes are as put', `${where} as\n${said}\nexpected one of\n${expected}`);
    }
    for (const record of records) {
      accountOf(record).decision = decision;
      for (const event of record.events) checkDelivered(event, decision, where);
    }
    positions.set(shardId, entry.to);
  }

  function checkDelivered(event: StreamEvent, decision: Decision, where: string): void {
    const { claim, id } = event.planned;
    if (event.record.replay !== undefined && replayHolder(event.record) === undefined) {
      throw new Violation('claimed before it is counted', `${where}: nobody holds what #${event.record.index} plays`);
    }
    if (isSuperseded(event.record)) return;
    if (decision !== 'killed' && claim !== undefined && holderOf(event) === undefined) {
      if (claim.by === 'record' || judge.outcomeOf(event, decision).outcome === 'delivered') {
        throw new Violation('claimed before it is counted', `${where}: nobody holds ${id}`);
      }
    }
    const table = tableOf(event, decision, judge);
    if (table === undefined || firehose.accepted.get(event.recordId)?.some((row) => row.table === table)) return;
    throw new Violation('delivered before it is counted', `${where}: ${event.planned.id} is not in ${table}`);
  }

  return {
    accountOf,
    judge,
    holderOf,
    isPoison,
    onInvoke(invocation) {
      const { shardId, records } = invocation.input;
      const [only, ...others] = records;
      if (only !== undefined && others.length === 0) accountOf(only).alone.push(invocation);
      const before = (lately.get(shardId) ?? []).filter((each) => {
        if (each.invocation.isAnswered) return false;
        if (each.invocation.process.isDead) each.endedAtMs ??= time.now();
        return each.endedAtMs === undefined || time.now() - each.endedAtMs <= ON_ITS_WAY_MS;
      });
      if (before.length > 0) invocation.mayRepeat ??= 'an earlier attempt may be under way';
      lately.set(shardId, [...before, { invocation, endedAtMs: undefined }]);
    },
    onWritten(invocation, writes) {
      const partition = journalPartition(shardRef(invocation.input.shardId));
      for (const write of writes) {
        if (write.kind !== 'put') continue;
        if (write.when === 'claim') checkClaim(invocation.requestId, write);
        else if (write.key.pk === partition) checkEntry(invocation, write);
      }
    },
    onRedriven(requestId, writes) {
      for (const write of writes) if (write.kind === 'put' && write.when === 'claim') checkClaim(requestId, write);
    },
    onAnswer(invocation, answer) {
      const { shardId, records } = invocation.input;
      const parsed = answerSchema.safeParse(answer);
      const failed = parsed.success ? parsed.data.batchItemFailures[0]?.itemIdentifier : '';
      const first = failed === undefined ? records.length : records.findIndex((each) => each.sequenceNumber === failed);
      if (first < 0) {
        const what = `${invocation.requestId}: ${JSON.stringify(answer)}`;
        return conditions.fail(new Violation('an answer names a record of its batch', what));
      }
      const lastDone = records[first - 1];
      if (lastDone !== undefined && lastDone.sequenceNumber > (positions.get(shardId) ?? '')) {
        const what = `${invocation.requestId}: #${lastDone.index} is done, it says, and the books do not have it`;
        conditions.fail(new Violation('an answer follows the books', what));
      }
    },
    onPoison(invocation) {
      const [only, ...others] = invocation.input.records;
      if (only !== undefined && others.length === 0) accountOf(only).diedAlone += 1;
    },
    onParked(records) {
      for (const record of records) accountOf(record).isParked = true;
    },
    onRestart() {
      for (const each of [...lately.values()].flat()) {
        if (!each.invocation.isAnswered) each.invocation.mayRepeat ??= 'its poller began anew';
      }
    },
  };
}

const REPLAYS = claimKey('replay#').pk;

const placeOf = ({ shardId, sequenceNumber }: StreamedRecord): string => formatPosition(shardId, sequenceNumber, 0);

/** How often a record had been played again when it came; 0 for one that came by itself. */
export function generationOf({ replay }: StreamedRecord): number {
  return replay?.generation ?? 0;
}

/** The position that must hold an event's claim for it to count: its own, or its record's. */
export function claimant({ planned, position, record }: StreamEvent): string {
  return planned.claim?.by === 'record' ? (record.events[0]?.position ?? position) : position;
}

/** Where the row of an event must be; undefined: nowhere. */
export function tableOf(event: StreamEvent, decision: Decision, judge: Judge): string | undefined {
  const { planned, record, recordId } = event;
  if (judge.isSuperseded(record)) return undefined;
  if (decision === 'killed') return record.events[0]?.recordId === recordId ? 'failed_events' : undefined;
  switch (judge.outcomeOf(event, decision).outcome) {
    case 'delivered':
      return planned.dataset;
    case 'quarantined':
      return 'failed_events';
    case 'dropped':
    case 'duplicate':
      return undefined;
  }
}
