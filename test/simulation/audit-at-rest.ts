/** What must hold when faults have ended and nothing is under way any more. */
import { readJournalEntry } from '../../processors/books/journal-entry.ts';
import { checkpointKey, journalPartition } from '../../processors/books/keys.ts';
import { numberOf, type StateTablePort } from '../../processors/books/state-table.ts';
import { type Audit, shardRef, tableOf } from './audit.ts';
import type { AcceptedRow, SimulatedFirehose } from './firehose.ts';
import type { Plays } from './plays.ts';
import { REDRIVE } from './redrive.ts';
import type { Scenario } from './scenario.ts';
import type { SimulatedStream, StreamEvent } from './stream.ts';
import { Violation } from './violation.ts';

export interface World {
  readonly scenario: Scenario;
  readonly stream: SimulatedStream;
  readonly firehose: SimulatedFirehose;
  readonly table: StateTablePort;
  readonly payloads: ReadonlyMap<string, Buffer>;
  readonly accepted: ReadonlySet<string>;
  readonly audit: Audit;
  readonly plays: Plays;
}

/** @throws Violation */
export async function auditAtRest(world: World): Promise<void> {
  checkProducers(world);
  const events = world.stream.records.flatMap((record) => (record.replay === undefined ? record.events : []));
  checkCounted(world);
  for (const event of events) checkRows(world, event);
  checkNoOtherRows(world, events);
  checkClaims(world, events);
  checkOrder(world, events);
  checkPoison(world);
  for (const { shardId } of world.stream.shards) await checkJournal(world, shardId);
}

function checkProducers({ scenario, stream, accepted }: World): void {
  const onStream = new Set(stream.records.flatMap((record) => record.events.map(({ planned }) => planned.id)));
  for (const id of accepted) {
    if (!onStream.has(id)) throw new Violation('what is accepted is on the stream', `${id} is not`);
  }
  const planned = scenario.puts.flatMap(({ records }) => records.flatMap((record) => record.events)).length;
  if (accepted.size !== planned) {
    throw new Violation('producers put all', `${accepted.size} of ${planned} events were accepted`);
  }
}

function checkCounted({ stream, audit, plays }: World): void {
  for (const record of stream.records) {
    if (record.replay === undefined) plays.standingOf(record);
    const { countedBy, isParked } = audit.accountOf(record);
    if (countedBy === undefined && !isParked) {
      const what = `#${record.index} of ${record.shardId}, ${record.events.map(({ planned }) => planned.id)}`;
      throw new Violation('nothing is lost', `${what} is neither in the journal nor parked`);
    }
  }
}

/** A row of an event, where it must be and nowhere else, and twice only for a reason. */
function checkRows({ audit, firehose, payloads, plays }: World, first: StreamEvent): void {
  const standing = plays.standingOf(first.record);
  const wasParked = plays.wasParked(first.record);
  const rows = firehose.accepted.get(first.recordId) ?? [];
  const name = `${first.planned.id} (#${first.record.index}, ${first.recordId})`;
  for (const [table, ofTable] of Map.groupBy(rows, (row) => row.table)) {
    // What was given up had been delivered in part, and where it is played again nobody knows of it.
    if (!wasParked) checkTwice(name, table, ofTable);
    checkRedriven(name, firehose, ofTable);
  }
  const decision = standing?.decision;
  if (standing === undefined || decision === undefined) return;
  const event = { ...first, record: standing.record };
  const table = tableOf(event, decision, audit.judge);
  const elsewhere = rows.find((row) => row.table !== table && !isFiledInVain(row));
  // Filed because attempts at it died, one after another: one of them may have delivered it.
  if (elsewhere !== undefined && !wasParked && (decision !== 'killed' || audit.isPoison(event.record))) {
    throw new Violation('one outcome', `${name} is in ${elsewhere.table}, and was decided to be in ${table}`);
  }
  const row = rows.find((each) => each.table === table)?.row;
  if (table === 'failed_events' && typeof row?.payload_uri === 'string' && !payloads.has(row.payload_uri)) {
    throw new Violation('payloads are kept', `${name}: nothing is at ${row.payload_uri}`);
  }
  if (table === 'failed_events' && row?.payload === null && row.payload_uri === null) {
    throw new Violation('payloads are kept', `${name}: its row has neither payload nor place`);
  }
  if (table !== 'failed_events' && row !== undefined && row.id !== event.planned.id) {
    throw new Violation('rows are as put', `${name}: its row has the id ${row.id}`);
  }
}

/** An attempt that takes one that is still under way for dead may file the record that the other delivers. */
function isFiledInVain(accepted: AcceptedRow): boolean {
  const { row, invocation } = accepted;
  return row.code === 'FUNCTION_KILLED' && (invocation?.mayRepeat !== undefined || isRedriven(accepted));
}

function checkTwice(name: string, table: string, rows: readonly AcceptedRow[]): void {
  const own = rows.filter((row) => !row.isCopy && !isRedriven(row));
  for (const [invocation, ofInvocation] of Map.groupBy(own, (row) => row.invocation)) {
    if (ofInvocation.length < 2 || invocation === undefined || invocation.isDeliveryUnanswered) continue;
    const times = ofInvocation.length;
    throw new Violation('sent once', `${name} was sent to ${table} ${times} times by ${invocation.requestId}`);
  }
  if (own.length < 2 || own.some(({ invocation }) => invocation?.mayRepeat !== undefined)) return;
  // Filed after attempts that ended without an answer, though an earlier one had sent what it was decided to be.
  if (own.some(({ row }) => row.code === 'FUNCTION_KILLED')) return;
  const versions = new Set(own.map(({ invocation }) => invocation?.process.version));
  if (versions.size > 1) return;
  const by = own.map(({ invocation }) => invocation?.requestId).join(' and ');
  throw new Violation('delivered once', `${name} is in ${table} ${own.length} times, by ${by}, for no reason`);
}

/** What Firehose could not deliver is put to it again once, unless a redrive was cut off. */
function checkRedriven(name: string, { objects }: SimulatedFirehose, rows: readonly AcceptedRow[]): void {
  const again = rows.filter((row) => !row.isCopy && isRedriven(row));
  if (again.length === 0 || again.some(({ invocation }) => invocation?.mayRepeat !== undefined)) return;
  const undelivered = objects.filter(({ key }) => key.startsWith('errors/')).flatMap((object) => object.rows);
  const times = undelivered.filter((row) => rows.includes(row)).length;
  if (again.length > times) {
    throw new Violation(
      'redriven once',
      `${name} was put again ${again.length} times, and not delivered ${times} times`,
    );
  }
}

function isRedriven({ invocation }: AcceptedRow): boolean {
  return invocation?.requestId.startsWith(`${REDRIVE}-`) === true;
}

function checkNoOtherRows({ firehose }: World, events: readonly StreamEvent[]): void {
  const known = new Set(events.map(({ recordId }) => recordId));
  for (const recordId of firehose.accepted.keys()) {
    if (!known.has(recordId)) throw new Violation('rows are as put', `${recordId} is of no event that was put`);
  }
}

/** What others are duplicates of was delivered, or filed, or is parked. */
function checkClaims({ audit, plays }: World, events: readonly StreamEvent[]): void {
  const byPosition = new Map(events.map((event) => [event.position, event]));
  for (const event of events) {
    const holder = audit.holderOf(event);
    const held = holder === undefined ? undefined : byPosition.get(holder);
    if (holder === undefined || event.planned.claim?.by !== 'event') continue;
    if (held === undefined) throw new Violation('claimed by what is there', holder);
    const account = audit.accountOf(held.record);
    if (plays.wasParked(held.record) || account.decision === 'killed' || account.decision === undefined) continue;
    if (audit.judge.outcomeOf(held, account.decision).outcome !== 'delivered') {
      throw new Violation('claimed by what is delivered', `${event.planned.id} is held by ${holder}, which is not`);
    }
  }
}

/** The events of a key come to a table in the order in which they came to the stream. */
function checkOrder({ audit, firehose, plays }: World, events: readonly StreamEvent[]): void {
  const last = new Map<string, { readonly event: StreamEvent; readonly row: AcceptedRow }>();
  for (const event of events) {
    const account = audit.accountOf(event.record);
    if (plays.wasParked(event.record)) continue;
    if (account.decision === undefined || account.decision === 'killed') continue;
    const table = tableOf(event, account.decision, audit.judge);
    const row = firehose.accepted.get(event.recordId)?.find((each) => each.table === table);
    if (table === undefined || table === 'failed_events' || row === undefined) continue;
    const key = `${table} ${event.planned.key}`;
    const before = last.get(key);
    last.set(key, { event, row });
    if (before === undefined || before.row.order < row.order || before.row.invocation === row.invocation) continue;
    if (before.row.invocation?.isTakenInPart || row.invocation?.isTakenInPart) continue;
    const what = `${event.planned.id} of ${key} was delivered before ${before.event.planned.id}`;
    throw new Violation('order per key', `${what}, which came first`);
  }
}

function checkPoison({ scenario, stream, audit }: World): void {
  for (const record of stream.records) {
    const { diedAlone, alone } = audit.accountOf(record);
    // A restart or a company forgets how often: each may begin the count anew.
    const excuses = scenario.restarts.length + alone.filter(({ mayRepeat }) => mayRepeat !== 'out of memory').length;
    if (diedAlone > scenario.retriesMax * (1 + excuses)) {
      throw new Violation('poison is filed', `#${record.index} ended ${diedAlone} processes while it was alone`);
    }
  }
}

/** A chain from the start of the shard to the checkpoint, which has its sums. */
async function checkJournal({ table, stream, audit }: World, shardId: string): Promise<void> {
  const shard = shardRef(shardId);
  const items = await table.query(journalPartition(shard));
  const checkpoint = await table.get(checkpointKey(shard));
  let position = '';
  let records = 0;
  for (const item of items) {
    const entry = readJournalEntry(shard, item);
    if (entry.after !== position) {
      throw new Violation('the journal is a chain', `${shardId}: ${entry.to} comes after ${entry.after}`);
    }
    position = entry.to;
    records += entry.records;
  }
  const counted = stream.records.filter((each) => each.shardId === shardId && audit.accountOf(each).countedBy);
  const sums = [counted.length, numberOf(checkpoint, 'records')];
  if (sums.some((sum) => sum !== records) || numberOf(checkpoint, 'entries') !== items.length) {
    const said = `${numberOf(checkpoint, 'entries')} entries, ${sums.join(' and ')} records`;
    throw new Violation('sums are right', `${shardId}: ${items.length} entries, ${records} records; ${said}`);
  }
  const at = checkpoint?.attributes.position;
  if (items.length > 0 && at !== position) {
    throw new Violation('the journal is a chain', `${shardId}: it ends at ${position}, and the checkpoint is ${at}`);
  }
}
