/** Takes one thing at a time away from a pipeline at rest, and tells what must be named then. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { DeleteItemCommand, DynamoDBClient, PutItemCommand, QueryCommand } from '@aws-sdk/client-dynamodb';
import {
  DeleteObjectCommand,
  GetObjectCommand,
  PutObjectCommand,
  paginateListObjectsV2,
  S3Client,
} from '@aws-sdk/client-s3';
import { DuckDBInstance } from '@duckdb/node-api';
import { STREAM } from '../../cli/start/names.ts';
import { type QueryTarget, query } from '../../cli/start/query.ts';
import { journalPartition, type StreamRef } from '../../processors/books/keys.ts';
import { createRecordIdentity } from '../../streams/position.ts';
import { parseTapeKey, TAPE_PREFIX } from '../../streams/tape/tape-key.ts';
import type { BooksTarget } from '../support/local/check-books.ts';
import { ARCHIVE_BUCKET, PROCESSED_BUCKET, STATE_TABLE } from '../support/local/physical-names.ts';
import type { Reconciled } from '../support/local/reconcile-pipeline.ts';

/** A `_position` without its subsequence number. */
const KINESIS_RECORD = 'substr(_position, 1, length(_position) - 8)';

export interface Damage {
  /** What is taken away, in words. */
  readonly what: string;
  /** How a finding names it, or undefined when none does. */
  naming(report: Reconciled): Promise<string | undefined>;
  undo(): Promise<void>;
}

export interface DamageOptions extends BooksTarget {
  readonly athena: QueryTarget;
  readonly stream: StreamRef;
  readonly shardIds: readonly string[];
}

export interface Damages {
  /** Each takes something away at once. */
  readonly all: readonly (() => Promise<Damage>)[];
  close(): void;
}

export function createDamages(options: DamageOptions): Damages {
  const { endpoint, region } = options;
  const shared = { endpoint, region, credentials: { accessKeyId: 'local', secretAccessKey: 'local' } };
  const s3 = new S3Client({ ...shared, forcePathStyle: true });
  const dynamodb = new DynamoDBClient(shared);
  return {
    all: [
      () => deleteRow(s3, options.athena),
      () => deleteJournalEntry(dynamodb, options),
      () => deleteTapeObject(s3, options.athena),
    ],
    close() {
      s3.destroy();
      dynamodb.destroy();
    },
  };
}

async function deleteRow(s3: S3Client, athena: QueryTarget): Promise<Damage> {
  const key = middleOf(await keysOf(s3, PROCESSED_BUCKET, 'flights/'));
  const bytes = await read(s3, PROCESSED_BUCKET, key);
  const ids = await recordIdsOf(bytes);
  const { rows } = await query(
    athena,
    `SELECT _record_id FROM flights WHERE _record_id IN (${quoted(ids.slice(0, 200))}) GROUP BY 1 HAVING count(*) = 1 LIMIT 1`,
  );
  const recordId = rows[0]?.[0];
  if (recordId === undefined) throw new Error(`${key} has no row that is there once`);
  await put(s3, PROCESSED_BUCKET, key, await withoutRow(bytes, recordId));
  return {
    what: `row ${recordId} of ${ids.length} in ${key}`,
    async naming({ residual, findings }) {
      const finding = findings.find(({ kind, recordIds }) => kind === 'rows_missing' && recordIds.includes(recordId));
      return residual === 1 && finding?.recordIds.length === 1 ? `${finding.message}: ${recordId}` : undefined;
    },
    undo: () => put(s3, PROCESSED_BUCKET, key, bytes),
  };
}

async function deleteJournalEntry(
  client: DynamoDBClient,
  { stream, shardIds }: Pick<DamageOptions, 'stream' | 'shardIds'>,
): Promise<Damage> {
  const shardId = middleOf(shardIds);
  const { Items = [] } = await client.send(
    new QueryCommand({
      TableName: STATE_TABLE,
      KeyConditionExpression: 'pk = :pk',
      ExpressionAttributeValues: { ':pk': { S: journalPartition({ ...stream, shardId }) } },
    }),
  );
  const item = middleOf(Items);
  const { pk, sk, after } = item;
  if (pk === undefined || sk?.S === undefined || after?.S === undefined) throw new Error('received no journal entry');
  const [from, to] = [after.S, sk.S];
  await client.send(new DeleteItemCommand({ TableName: STATE_TABLE, Key: { pk, sk } }));
  const lastRecordId = createRecordIdentity(STREAM).forRecord(shardId, to).textOf(0);
  return {
    what: `journal entry ${to} of ${shardId}, one of ${Items.length}`,
    async naming({ findings }) {
      const finding = findings.find(({ kind }) => kind === 'journal_entry_missing');
      const isNamed =
        finding?.shardId === shardId &&
        finding.after === from &&
        finding.to === to &&
        finding.recordIds.at(-1) === lastRecordId;
      return isNamed ? `${finding.message}, the last of them ${lastRecordId}` : undefined;
    },
    async undo() {
      await client.send(new PutItemCommand({ TableName: STATE_TABLE, Item: item }));
    },
  };
}

async function deleteTapeObject(s3: S3Client, athena: QueryTarget): Promise<Damage> {
  const spans = (await keysOf(s3, ARCHIVE_BUCKET, TAPE_PREFIX)).flatMap((key) => {
    const span = parseTapeKey(key);
    return span === undefined ? [] : [{ ...span, key }];
  });
  // A batch that was written again may stand in two objects: nothing is lost with one of them.
  const alone = spans.filter(({ key, shardId, first, last }) =>
    spans.every((other) => {
      return other.key === key || other.shardId !== shardId || other.last < first || other.first > last;
    }),
  );
  const { key, shardId, first, last } = middleOf(alone);
  const bytes = await read(s3, ARCHIVE_BUCKET, key);
  await s3.send(new DeleteObjectCommand({ Bucket: ARCHIVE_BUCKET, Key: key }));
  return {
    what: `tape object ${key}, one of ${spans.length}`,
    async naming({ findings }) {
      const finding = findings.find(({ kind }) => kind === 'records_not_on_tape');
      const { recordIds = [], after = '~', to = '' } = finding ?? {};
      if (finding?.shardId !== shardId || after >= first || to < last || recordIds.length === 0) return undefined;
      const { rows } = await query(
        athena,
        `SELECT count(DISTINCT ${KINESIS_RECORD}), count(DISTINCT CASE WHEN _record_id IN (${quoted(recordIds)}) THEN ${KINESIS_RECORD} END)
FROM flights WHERE _position BETWEEN '${shardId}:${first}:' AND '${shardId}:${last}:~'`,
      );
      const [[held = '', named = ''] = []] = rows;
      const isNamed = held === named && Number(named) === recordIds.length;
      return isNamed ? `${finding.message}: ${recordIds.join(', ')}` : undefined;
    },
    undo: () => put(s3, ARCHIVE_BUCKET, key, bytes),
  };
}

async function keysOf(client: S3Client, Bucket: string, Prefix: string): Promise<readonly string[]> {
  const keys: string[] = [];
  for await (const { Contents = [] } of paginateListObjectsV2({ client }, { Bucket, Prefix })) {
    for (const { Key } of Contents) if (Key !== undefined) keys.push(Key);
  }
  return keys;
}

async function read(client: S3Client, Bucket: string, Key: string): Promise<Uint8Array> {
  const { Body } = await client.send(new GetObjectCommand({ Bucket, Key }));
  if (Body === undefined) throw new Error(`${Key} has no body`);
  return Body.transformToByteArray();
}

async function put(client: S3Client, Bucket: string, Key: string, Body: Uint8Array): Promise<void> {
  await client.send(new PutObjectCommand({ Bucket, Key, Body }));
}

async function recordIdsOf(parquet: Uint8Array): Promise<readonly string[]> {
  return inDuckDb(parquet, async (run, file) => {
    return (await run(`SELECT DISTINCT _record_id FROM read_parquet('${file}')`)).map(([id]) => String(id));
  });
}

async function withoutRow(parquet: Uint8Array, recordId: string): Promise<Uint8Array> {
  return inDuckDb(parquet, async (run, file) => {
    const rest = `SELECT * FROM read_parquet('${file}', hive_partitioning = false) WHERE _record_id <> '${recordId}'`;
    await run(`COPY (${rest}) TO '${file}.less' (FORMAT parquet)`);
    return readFileSync(`${file}.less`);
  });
}

type Run = (sql: string) => Promise<readonly (readonly unknown[])[]>;

async function inDuckDb<Result>(
  parquet: Uint8Array,
  use: (run: Run, file: string) => Promise<Result>,
): Promise<Result> {
  const folder = mkdtempSync(path.join(tmpdir(), 'damage-'));
  const instance = await DuckDBInstance.create(':memory:');
  const connection = await instance.connect();
  try {
    const file = path.join(folder, 'object.parquet');
    writeFileSync(file, parquet);
    return await use(async (sql) => (await connection.runAndReadAll(sql)).getRows(), file);
  } finally {
    connection.closeSync();
    instance.closeSync();
    rmSync(folder, { recursive: true });
  }
}

function middleOf<Value>(values: readonly Value[]): Value {
  const value = values[Math.floor(values.length / 2)];
  if (value === undefined) throw new Error('there is nothing to take away');
  return value;
}

const quoted = (texts: readonly string[]): string => texts.map((text) => `'${text}'`).join(', ');
