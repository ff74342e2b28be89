/** Books of a whole pipeline balance; and what is taken out of them by hand is noticed, and named, through the command. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { AthenaClient } from '@aws-sdk/client-athena';
import { DeleteItemCommand, DynamoDBClient, QueryCommand } from '@aws-sdk/client-dynamodb';
import { PutRecordsCommand } from '@aws-sdk/client-kinesis';
import {
  DeleteObjectCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createAthenaQuery } from '../../batch/adapters/athena-query.ts';
import { createAthenaTables } from '../../batch/adapters/athena-tables.ts';
import { DATABASE, STREAM, WORKGROUP } from '../../cli/start/names.ts';
import { datasets } from '../../schemas/index.ts';
import { earthquakeFeatures, flights2k } from '../../streams/sources/vega.ts';
import { DRAIN_TIMEOUT_MS, startTestPipeline, type TestPipeline } from '../support/local/test-pipeline.ts';
import { parquetOf } from '../support/processors/parquet-file.ts';

const PIPELINE = path.join(import.meta.dirname, '..', '..', 'cli', 'pipeline.ts');
const PROCESSED = 'data-pipeline-processed-000000000000-us-east-1';
const ARCHIVE = 'data-pipeline-archive-000000000000-us-east-1';
const TABLE = 'data-pipeline-state';
const GOOD = 300;
const BAD = ['{', 'x', '{"type":"Feature"}'];

let run: TestPipeline;
let s3: S3Client;
let dynamodb: DynamoDBClient;

/** As a user runs it. */
async function command(...args: readonly string[]) {
  const { AWS_ACCESS_KEY_ID: _id, AWS_PROFILE: _profile, ...env } = process.env;
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', PIPELINE, ...args], {
    env: { ...env, AWS_ENDPOINT_URL: run.pipeline.endpoint },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const [out, err]: [Buffer[], Buffer[]] = [[], []];
  child.stdout.on('data', (part: Buffer) => out.push(part));
  child.stderr.on('data', (part: Buffer) => err.push(part));
  const [code] = await once(child, 'close');
  return { code, out: Buffer.concat(out).toString(), err: Buffer.concat(err).toString() };
}

async function reconcile() {
  const { code, out, err } = await command('reconcile', '--json');
  if (out === '') throw new Error(err);
  return { code, report: JSON.parse(out) };
}

interface Found {
  readonly kind: string;
  readonly recordIds: readonly string[];
}

const found = (report: { findings: readonly Found[] }, kind: string) =>
  report.findings.filter((finding) => finding.kind === kind);

beforeAll(async () => {
  run = await startTestPipeline();
  const { endpoint, region } = run.pipeline;
  const shared = { endpoint, region, credentials: { accessKeyId: 'local', secretAccessKey: 'local' } };
  s3 = new S3Client({ ...shared, forcePathStyle: true });
  dynamodb = new DynamoDBClient(shared);
  const features = (await Array.fromAsync(earthquakeFeatures())).slice(0, GOOD / 2);
  const flights = (await Array.fromAsync(flights2k())).slice(0, GOOD / 2);
  const payloads = [
    ...features.map((feature) => JSON.stringify(feature)),
    ...flights.map((data, index) =>
      JSON.stringify({ specversion: '1.0', id: String(index), source: '/flights', type: 'flights', data }),
    ),
    ...BAD,
  ];
  for (let at = 0; at < payloads.length; at += 100) {
    const Records = payloads
      .slice(at, at + 100)
      .map((payload, index) => ({ Data: Buffer.from(payload), PartitionKey: `k${at + index}` }));
    await run.clients.kinesis.send(new PutRecordsCommand({ StreamName: STREAM, Records }));
  }
  await run.pipeline.drain(DRAIN_TIMEOUT_MS);
}, 120_000);

afterAll(async () => {
  s3?.destroy();
  dynamodb?.destroy();
  await run?.stop();
});

describe('the command reconcile', () => {
  it('exits 0 when the books balance', async () => {
    const { code, report } = await reconcile();

    expect(report.findings).toEqual([]);
    expect({ code, residual: report.residual, inFlight: report.inFlight.records }).toEqual({
      code: 0,
      residual: 0,
      inFlight: 0,
    });
    const total = (of: 'delivered' | 'quarantined') =>
      report.datasets.reduce((sum: number, dataset: Record<string, number>) => sum + (dataset[of] ?? 0), 0);
    expect([total('delivered'), total('quarantined')]).toEqual([GOOD, BAD.length]);
  }, 60_000);

  it('compares hours of arrival alone', async () => {
    const [now, before] = await Promise.all(
      ['2099-01-01T00', '2020-01-01T00'].map((hour) =>
        command('reconcile', '--json', '--from', '2020-01-01T00', '--to', hour),
      ),
    );

    const received = ({ out }: { out: string }) =>
      JSON.parse(out).datasets.reduce((sum: number, dataset: { received: number }) => sum + dataset.received, 0);
    expect([now?.code, before?.code]).toEqual([0, 3]);
    expect([now, before].map((each) => each && received(each))).toEqual([GOOD + BAD.length, 0]);
  }, 60_000);

  it('says so in words', async () => {
    const { out } = await command('reconcile');

    expect(out).toMatch(/^residual 0: the books balance$/m);
  }, 60_000);

  it.each([
    [['reconcile', '--run', 'nope'], 1, 'there is no run nope'],
    [['reconcile', '--from', 'foo'], 2, '--from: received foo, allowed: an hour such as 2026-11-25T07, UTC'],
    [['reconcile', '--grace', '-1'], 2, '--grace: received -1, allowed: minutes, a whole number from 0 to 10080'],
    [
      ['trace', 'nope'],
      1,
      'id: received "nope", allowed: a _record_id, an _event_id, a _position, or <shard>:<sequence number>',
    ],
    [['trace', '--object', 'nope'], 1, `there is no object nope in the bucket ${PROCESSED}`],
    [['tape', '--from', '2027-01-01T00'], 0, `the tape of ${ARCHIVE} has nothing of the hour 2027-01-01T00`],
  ])(
    'and its neighbours tell in one line what was received and is not there: %j',
    async (args, code, line) => {
      expect(await command(...args)).toEqual({ code, out: '', err: `pipeline: ${line}\n` });
    },
    60_000,
  );
});

describe('the command trace', () => {
  it('follows a delivered record from each of its identities to its row, and back', async () => {
    const [[recordId = '', eventId = '', position = ''] = []] = (
      await run.sql('SELECT _record_id, _event_id, _position FROM flights ORDER BY 1 LIMIT 1')
    ).rows;

    const answers = await Promise.all([recordId, eventId, position].map((id) => command('trace', id, '--json')));
    const [record, ...others] = answers.map(({ out }) => JSON.parse(out).records[0]);
    const [{ object, row }] = record.rows;
    const back = JSON.parse((await command('trace', '--object', object, '--row', String(row), '--json')).out);

    expect(record).toMatchObject({ recordId, eventId, where: 'delivered', dataset: 'flights' });
    expect(record.journal).toMatchObject({ attempts: 1 });
    expect(record.tape).toHaveLength(1);
    expect(others).toEqual([record, record]);
    expect(back.records).toEqual([record]);
  }, 60_000);

  it('tells why a record was quarantined', async () => {
    const { rows } = await run.sql("SELECT _record_id FROM failed_events WHERE payload = 'ew=='");

    const { out } = await command('trace', rows[0]?.[0] ?? '');

    expect(out).toMatch(/^ {2}decided by code \w+, for which plain JSON is of earthquakes$/m);
    expect(out).toMatch(/quarantined by decode \(INVALID_JSON\): row \d of failed_events\//);
  }, 60_000);

  it('exits 1 for a record that never was', async () => {
    expect(await command('trace', 'f'.repeat(32))).toMatchObject({
      code: 1,
      out: expect.stringMatching(/nothing is found/),
    });
  }, 60_000);
});

describe('the command tape', () => {
  it('lists an object a line below a head, and with its key as JSON', async () => {
    const [{ out }, { out: json }] = await Promise.all([command('tape'), command('tape', '--json')]);
    const [head, ...lines] = out.trimEnd().split('\n');

    expect(head).toMatch(/^HOUR +SHARD +BYTES {2}FIRST$/);
    const listed = json
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(lines.map((line) => line.split(/ +/).at(-1))).toEqual(listed.map(({ first }) => first));
    expect(listed[0]?.key).toMatch(/^tape\/dt=/);
    expect(Math.max(...lines.map(({ length }) => length))).toBeLessThan(120);
  }, 60_000);

  it('prints every record once, as it came', async () => {
    const { out } = await command('tape', 'records');
    const lines = out
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));

    expect(lines).toHaveLength(GOOD + BAD.length);
    expect(lines.filter(({ data }) => Buffer.from(data, 'base64').toString() === '{')).toHaveLength(1);
  });
});

describe('the tables by SQL', () => {
  it('have the same sums in buckets as whole', async () => {
    const { endpoint, region } = run.pipeline;
    const client = new AthenaClient({
      endpoint,
      region,
      credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
    });
    const query = createAthenaQuery({ client, workGroup: WORKGROUP, database: DATABASE });
    const tables = createAthenaTables(query, datasets);

    const [sum] = await tables.sums('flights', {});
    const partition = sum?.partition ?? '';
    const buckets = await tables.buckets('flights', partition, {});
    const asked = { partition, limit: 1_000 };
    const rows = await tables.rows('flights', { ...asked, buckets: [...buckets.keys()] }, { runId: "it's none" });
    const all = await tables.rows('flights', { ...asked, buckets: [...buckets.keys()] }, {});
    client.destroy();

    const totals = [...buckets.values()];
    expect(totals.reduce((total, { count }) => total + count, 0)).toBe(sum?.count);
    expect(totals.reduce((total, { fingerprint }) => total + fingerprint, 0n)).toBe(sum?.fingerprint);
    expect([rows.length, all.length]).toEqual([0, sum?.count]);
  }, 60_000);
});

describe('what is there twice', () => {
  it('is told by its records, and is no residual', async () => {
    const { Contents = [] } = await s3.send(new ListObjectsV2Command({ Bucket: PROCESSED, Prefix: 'flights/' }));
    const [{ Key = '' } = {}] = Contents;
    const { Body } = await s3.send(new GetObjectCommand({ Bucket: PROCESSED, Key }));
    const bytes = await Body?.transformToByteArray();
    await s3.send(new PutObjectCommand({ Bucket: PROCESSED, Key: `${Key}-again`, Body: bytes }));
    await run.pipeline.drain(DRAIN_TIMEOUT_MS);

    const { code, report } = await reconcile();
    await s3.send(new DeleteObjectCommand({ Bucket: PROCESSED, Key: `${Key}-again` }));

    expect({ code, residual: report.residual }).toEqual({ code: 0, residual: 0 });
    const twice = found(report, 'duplicates_at_rest');
    expect(twice).toHaveLength(1);
    expect(twice[0]?.recordIds).toHaveLength(report.duplicatesAtRest);
    expect(report.duplicatesAtRest).toBeGreaterThan(0);
  }, 90_000);
});

describe('what is taken out by hand', () => {
  it('is a row: its record is named, and the exit code is 1', async () => {
    const [[gone = ''] = []] = (await run.sql('SELECT _record_id FROM flights ORDER BY 1 LIMIT 1')).rows;
    const traced = JSON.parse((await command('trace', gone, '--json')).out);
    const Key: string = traced.records[0].rows[0].object;
    const { Body } = await s3.send(new GetObjectCommand({ Bucket: PROCESSED, Key }));
    const file = path.join(mkdtempSync(path.join(tmpdir(), 'reconcile-')), 'rows.parquet');
    writeFileSync(file, (await Body?.transformToByteArray()) ?? '');
    const rest = await parquetOf(`SELECT * FROM '${file}' WHERE _record_id <> '${gone}'`);
    await s3.send(new PutObjectCommand({ Bucket: PROCESSED, Key, Body: rest }));

    const { code, report } = await reconcile();

    expect({ code, residual: report.residual }).toEqual({ code: 1, residual: 1 });
    expect(found(report, 'rows_missing')).toMatchObject([{ recordIds: [gone], table: 'flights' }]);
  }, 60_000);

  it('is an entry of the journal: the places around it and its records are named', async () => {
    const before = (await reconcile()).report;
    const shard = before.shards.find(({ journalEntries }: { journalEntries: number }) => journalEntries > 0);
    const createdAtMs = Date.parse(shard.streamCreatedAt);
    const pk = `journal#arn:aws:kinesis:us-east-1:000000000000:stream/${STREAM}#${createdAtMs}#${shard.shardId}`;
    const { Items = [] } = await dynamodb.send(
      new QueryCommand({
        TableName: TABLE,
        KeyConditionExpression: 'pk = :pk',
        ExpressionAttributeValues: { ':pk': { S: pk } },
      }),
    );
    const [entry] = Items;
    await dynamodb.send(
      new DeleteItemCommand({ TableName: TABLE, Key: { pk: { S: pk }, sk: entry?.sk ?? { S: '' } } }),
    );

    const { report } = await reconcile();

    const records = Number(entry?.records?.N);
    expect(found(report, 'journal_entry_missing')).toMatchObject([
      { to: entry?.sk?.S, count: records, residual: records },
    ]);
    expect(found(report, 'journal_entry_missing')[0]?.recordIds).toHaveLength(records);
  }, 60_000);

  it('is an object of the tape: its records are named by their rows', async () => {
    const { report: before } = await reconcile();
    const missing = found(before, 'journal_entry_missing')[0] as Found & { shardId: string };
    const { Contents = [] } = await s3.send(new ListObjectsV2Command({ Bucket: ARCHIVE, Prefix: 'tape/' }));
    const Key = Contents.map((object) => object.Key ?? '').find((key) => !key.includes(missing.shardId)) ?? '';
    const [, shardId = '', first = '', last = ''] = /(shardId-\d+)\/(\d+)-(\d+)\./.exec(Key) ?? [];
    const within = `_position >= '${shardId}:${first}' AND _position < '${shardId}:${last}:~'`;
    const ids = await run.sql(
      ['earthquakes', 'flights', 'failed_events']
        .map((table) => `SELECT _record_id FROM ${table} WHERE ${within}`)
        .join(' UNION '),
    );
    await s3.send(new DeleteObjectCommand({ Bucket: ARCHIVE, Key }));

    const { report } = await reconcile();

    const lacking = found(report, 'records_not_on_tape').flatMap(({ recordIds }) => recordIds);
    expect(new Set(lacking)).toEqual(new Set(ids.rows.map(([id]) => id)));
    expect(lacking.length).toBeGreaterThan(0);
  }, 60_000);
});
