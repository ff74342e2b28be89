/**
 * Checks the books of a pipeline at rest from outside, by the clients that anyone has: what the stream holds, what the
 * state table says of it, and what SQL finds in the files. It shares the keys and the form of a journal entry with the
 * processor, and none of the comparing with what reconciles.
 */

import { hash } from 'node:crypto';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { KinesisClient } from '@aws-sdk/client-kinesis';
import { createClients } from '../../../cli/start/clients.ts';
import { STREAM } from '../../../cli/start/names.ts';
import { type QueryTarget, query } from '../../../cli/start/query.ts';
import { createDynamoDbStateTable } from '../../../processors/adapters/dynamodb-state-table.ts';
import { createKinesisNamedStream } from '../../../processors/adapters/kinesis-stream-info.ts';
import { type JournalEntry, type Outcome, readJournalEntry } from '../../../processors/books/journal-entry.ts';
import {
  CHECKPOINTS,
  checkpointKey,
  journalPartition,
  MISDELIVERED,
  PARKED,
  streamPartition,
} from '../../../processors/books/keys.ts';
import { numberOf, type StateTablePort } from '../../../processors/books/state-table.ts';
import { FAILED_EVENTS } from '../../../processors/stages/route.ts';
import { datasets } from '../../../schemas/index.ts';
import { createRecordIdentity, padSequence } from '../../../streams/position.ts';
import { STATE_TABLE } from './physical-names.ts';
import { readStream } from './read-stream.ts';

export interface BooksTarget {
  readonly endpoint: string;
  readonly region: string;
}

export interface CheckedBooks {
  /** One sentence each; none when the books balance and nothing is under way, parked or misdelivered. */
  readonly findings: readonly string[];
  /** Kinesis records on the stream. */
  readonly records: number;
  /** `<shard>:<padded sequence number>` of records whose bytes an earlier one of the stream has: they were put again. */
  readonly copies: readonly string[];
  /** Entries of the journal, and those whose batch was begun more than once. */
  readonly entries: number;
  readonly retriedEntries: number;
  /** Events by the journal. */
  readonly events: Readonly<Record<Outcome, number>>;
  /** By SQL. */
  readonly tables: ReadonlyMap<string, TableSum>;
  /** Rows beyond one a `_record_id`. */
  readonly duplicateRows: number;
}

export interface TableSum {
  readonly rows: number;
  /** Distinct `_record_id`s. */
  readonly records: number;
}

interface Sum {
  records: number;
  fingerprint: bigint;
}

interface ShardOnStream extends Sum {
  /** Padded. */
  last: string;
}

export async function checkBooks({ endpoint, region }: BooksTarget): Promise<CheckedBooks> {
  const clients = createClients(endpoint, region);
  const credentials = { accessKeyId: 'local', secretAccessKey: 'local' };
  const client = new DynamoDBClient({ endpoint, region, credentials });
  const table = createDynamoDbStateTable({ client, tableName: STATE_TABLE, callTimeoutMs: 30_000 });
  try {
    const stream = await createKinesisNamedStream(clients.kinesis).refOf(STREAM);
    const { shards, copies } = await sumStream(readStream(clients.kinesis, STREAM));
    const findings: string[] = [];
    const journal: JournalEntry[] = [];
    for (const [shardId, onStream] of shards) {
      const shard = { ...stream, shardId };
      const entries = (await table.query(journalPartition(shard))).map((item) => readJournalEntry(shard, item));
      const checkpoint = await table.get(checkpointKey(shard));
      const position = String(checkpoint?.attributes.position ?? '');
      const counts = { entries: numberOf(checkpoint, 'entries'), records: numberOf(checkpoint, 'records') };
      findings.push(...checkChain(shardId, entries, position), ...checkSums(shardId, entries, counts, onStream));
      journal.push(...entries);
    }
    findings.push(...(await waiting(table)));
    const { tables, findings: ofTables } = await checkTables(journal, clients.athena);
    findings.push(...ofTables);
    const events = { delivered: 0, quarantined: 0, dropped: 0, duplicate: 0 };
    for (const { groups } of journal) for (const { outcome, events: count } of groups) events[outcome] += count;
    const sums = [...tables.values()];
    return {
      findings,
      copies,
      events,
      tables,
      records: [...shards.values()].reduce((sum, { records }) => sum + records, 0),
      entries: journal.length,
      retriedEntries: journal.filter(({ attempts }) => attempts > 1).length,
      duplicateRows: sums.reduce((sum, { rows, records }) => sum + rows - records, 0),
    };
  } finally {
    clients.close();
    client.destroy();
  }
}

/** Kinesis records that the processor has counted so far, by the checkpoints of the state table. */
export async function countedRecords({ endpoint, region }: BooksTarget): Promise<number> {
  const shared = { endpoint, region, credentials: { accessKeyId: 'local', secretAccessKey: 'local' } };
  const [dynamodb, kinesis] = [new DynamoDBClient(shared), new KinesisClient(shared)];
  try {
    const stream = await createKinesisNamedStream(kinesis).refOf(STREAM);
    const table = createDynamoDbStateTable({ client: dynamodb, tableName: STATE_TABLE });
    const checkpoints = await table.query(streamPartition(stream), CHECKPOINTS);
    return checkpoints.reduce((sum, checkpoint) => sum + numberOf(checkpoint, 'records'), 0);
  } finally {
    for (const client of [dynamodb, kinesis]) client.destroy();
  }
}

async function sumStream(records: ReturnType<typeof readStream>) {
  const identity = createRecordIdentity(STREAM);
  const shards = new Map<string, ShardOnStream>();
  const known = new Set<string>();
  const copies: string[] = [];
  for await (const { shardId, sequenceNumber, data } of records) {
    const shard = shards.get(shardId) ?? { records: 0, fingerprint: 0n, last: '' };
    shards.set(shardId, shard);
    shard.records += 1;
    shard.fingerprint += BigInt(identity.forRecord(shardId, sequenceNumber).first32(0));
    shard.last = padSequence(sequenceNumber);
    const digest = hash('sha256', data);
    if (known.has(digest)) copies.push(`${shardId}:${shard.last}`);
    known.add(digest);
  }
  return { shards, copies };
}

/** Entries are a chain from the start of the shard to the checkpoint. */
function checkChain(shardId: string, entries: readonly JournalEntry[], position: string): string[] {
  const findings: string[] = [];
  let at = '';
  for (const { after, from, to } of entries) {
    if (after !== at) findings.push(`${shardId}: the journal has no entry between ${at || 'the start'} and ${after}`);
    if (!(after < from && from <= to)) findings.push(`${shardId}: the entry after ${after} goes from ${from} to ${to}`);
    at = to;
  }
  if (at !== position) {
    findings.push(
      `${shardId}: the checkpoint is at ${position || 'the start'}, the journal ends at ${at || 'the start'}`,
    );
  }
  return findings;
}

/** Checkpoint, journal and stream have the same records. */
function checkSums(
  shardId: string,
  entries: readonly JournalEntry[],
  checkpoint: { readonly entries: number; readonly records: number },
  stream: ShardOnStream,
): string[] {
  const findings: string[] = [];
  const journal: Sum = { records: 0, fingerprint: 0n };
  for (const { records, fingerprint } of entries) {
    journal.records += records;
    journal.fingerprint += fingerprint;
  }
  if (checkpoint.entries !== entries.length || checkpoint.records !== journal.records) {
    const { entries: count, records } = checkpoint;
    findings.push(
      `${shardId}: the checkpoint counts ${count} entries and ${records} records, the journal ${entries.length} and ${journal.records}`,
    );
  }
  if (!isSame(journal, stream)) {
    findings.push(`${shardId}: the stream holds ${shown(stream)} up to ${stream.last}, the journal ${shown(journal)}`);
  }
  return findings;
}

async function waiting(table: StateTablePort): Promise<string[]> {
  const items = [...(await table.query(PARKED)), ...(await table.query(MISDELIVERED))];
  return items
    .filter(({ attributes }) => attributes.status !== 'redriven')
    .map(({ pk, sk, attributes }) => `${pk}: ${sk} is ${String(attributes.status)}`);
}

/** By table and date: what the journal delivered is what SQL finds, by distinct `_record_id`. */
async function checkTables(journal: readonly JournalEntry[], athena: QueryTarget) {
  const expected = expectedSums(journal);
  const tables = new Map<string, TableSum>();
  const findings: string[] = [];
  for (const name of [...datasets.keys(), FAILED_EVENTS]) {
    const sum = { rows: 0, records: 0 };
    const date = name === FAILED_EVENTS ? `''` : 'dt';
    const { rows } = await query(
      athena,
      `SELECT date, sum(copies), count(*), count(DISTINCT _position), CAST(sum(from_base(substr(_record_id, 1, 8), 16)) AS varchar)
FROM (SELECT ${date} AS date, _record_id, _position, count(*) AS copies FROM ${name} GROUP BY 1, 2, 3) GROUP BY date`,
    );
    for (const [at = '', copies, records, positions, fingerprint] of rows) {
      const found: Sum = { records: Number(records), fingerprint: BigInt(fingerprint ?? 0) };
      const wanted = expected.get(`${name} ${at}`) ?? { records: 0, fingerprint: 0n };
      expected.delete(`${name} ${at}`);
      if (!isSame(found, wanted))
        findings.push(`${name} ${at}: SQL finds ${shown(found)}, the journal ${shown(wanted)}`);
      if (positions !== records) findings.push(`${name} ${at}: ${records} records have ${positions} positions`);
      sum.rows += Number(copies);
      sum.records += found.records;
    }
    tables.set(name, sum);
  }
  for (const [place, wanted] of expected) findings.push(`${place}: SQL finds nothing, the journal ${shown(wanted)}`);
  return { tables, findings };
}

/** By table and date; `failed_events` as a whole, since its rows have the date at which they were delivered. */
function expectedSums(journal: readonly JournalEntry[]): Map<string, Sum> {
  const sums = new Map<string, Sum>();
  for (const { dataset, outcome, partition, events, fingerprint } of journal.flatMap(({ groups }) => groups)) {
    if (outcome !== 'delivered' && outcome !== 'quarantined') continue;
    const place = outcome === 'delivered' ? `${dataset} ${partition.slice(0, 10)}` : `${FAILED_EVENTS} `;
    const sum = sums.get(place) ?? { records: 0, fingerprint: 0n };
    sums.set(place, { records: sum.records + events, fingerprint: sum.fingerprint + fingerprint });
  }
  return sums;
}

const isSame = (a: Sum, b: Sum): boolean => a.records === b.records && a.fingerprint === b.fingerprint;
const shown = ({ records, fingerprint }: Sum): string => `${records} records (${fingerprint})`;
