import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  AthenaClient,
  BatchGetQueryExecutionCommand,
  CreateNamedQueryCommand,
  GetQueryExecutionCommand,
  GetQueryResultsCommand,
  GetWorkGroupCommand,
  ListQueryExecutionsCommand,
  ListWorkGroupsCommand,
  type QueryExecution,
  StartQueryExecutionCommand,
  type StartQueryExecutionInput,
  StopQueryExecutionCommand,
} from '@aws-sdk/client-athena';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createFixedCatalog } from '../../test/support/local/fixed-catalog.ts';
import { createFolderObjectStore, type FolderObjectStore } from '../../test/support/local/folder-object-store.ts';
import { createClock } from '../clock.ts';
import { openDuckDb } from '../duckdb/open-duckdb.ts';
import { createFront, type Front } from '../front/front.ts';
import type { LocalService } from '../service.ts';
import { createAthenaService } from './service.ts';

const clock = createClock();
const catalog = createFixedCatalog();
let folder: string;
let objects: FolderObjectStore;
let service: LocalService;
let front: Front;
let client: AthenaClient;

beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'athena-'));
  objects = createFolderObjectStore(path.join(folder, 'objects'));
  await fill();
  service = createAthenaService(
    { account: '000000000000', region: 'us-east-1', endpoint: '', folder: (scope) => path.join(folder, scope), clock },
    { catalog, objects },
  );
  const [workGroup] = service.resourceKinds;
  const context = { logicalId: 'Group', stackName: 'Stack', account: '000000000000', region: 'us-east-1' };
  for (const [Name, EnforceWorkGroupConfiguration] of [
    ['enforced', true],
    ['free', false],
  ] as const) {
    const ResultConfiguration = { OutputLocation: `s3://results/${Name}` };
    const properties = { Name, WorkGroupConfiguration: { EnforceWorkGroupConfiguration, ResultConfiguration } };
    workGroup?.create?.(properties, workGroup.identify(properties, context), context);
  }
  await service.start?.();
  front = createFront({ services: [service], port: 0, log: () => undefined });
  client = new AthenaClient({
    endpoint: await front.listen(),
    region: 'us-east-1',
    credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
    maxAttempts: 1,
  });
});

afterAll(async () => {
  client.destroy();
  await front.close();
  await service.stop?.();
  clock.stop();
  rmSync(folder, { recursive: true, force: true });
});

const COLUMNS = [
  ['id', 'string'],
  ['n', 'int'],
  ['big', 'bigint'],
  ['price', 'decimal(10,2)'],
  ['ratio', 'double'],
  ['ok', 'boolean'],
  ['ts', 'timestamp'],
  ['day', 'date'],
  ['tags', 'array<string>'],
  ['m', 'map<string,int>'],
  ['s', 'struct<city:string,lat:double,added:int>'],
  ['j', 'string'],
  ['added', 'double'],
] as const;
const columns = COLUMNS.map(([name, type]) => ({ name, type }));

/** Three rows in the partition of the first day, one in that of the second, written without the columns added since. */
async function fill(): Promise<void> {
  const duckDb = await openDuckDb({ memoryMbMax: 256, threads: 1, spillFolder: path.join(folder, 'spill') });
  const write = async (key: string, rows: readonly string[]): Promise<void> => {
    const file = path.join(folder, 'new.parquet');
    const names = 'id, n, big, price, ratio, ok, ts, day, tags, m, s, j';
    await duckDb.run(`COPY (SELECT * FROM (VALUES ${rows.join(', ')}) rows(${names})) TO '${file}' (FORMAT parquet)`);
    await objects.put({ bucket: 'lake', key, content: { file } });
  };
  const typed = (city: string) => `${city}::STRUCT(city VARCHAR, lat DOUBLE)`;
  await write('t/dt=2026-01-01/1.parquet', [
    `('a', 1, 9007199254740993, 1.50::DECIMAL(10,2), 0.1::DOUBLE, true, TIMESTAMP '2026-01-01 10:59:00', DATE '2026-01-01',
      ['x', 'y'], MAP(['k', 'l'], [1, 2]), ${typed("{'city': 'Rome', 'lat': 1.5}")}, '{"n":1,"o":{"p":"q"},"l":[1,2]}')`,
    `('b', 2, 2, 2.25, 1e10, false, TIMESTAMP '2026-01-01 11:01:00.123456', DATE '2026-01-31',
      []::VARCHAR[], MAP(['k'], [3]), ${typed('NULL')}, '{"n":"two"}')`,
    `('c', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, ${typed("{'city': NULL, 'lat': NULL}")}, NULL)`,
  ]);
  await write('t/dt=2026-01-02/1.parquet', [
    `('d,"quoted"', 4, 4, 4.00::DECIMAL(10,2), 4::DOUBLE, true, TIMESTAMP '2026-01-02 00:00:00', DATE '2026-01-02',
      ['z'], MAP(['k'], [4]), ${typed("{'city': 'Oslo', 'lat': 60}")}, 'not json')`,
  ]);
  await objects.put({ bucket: 'lake', key: 't/dt=2026-01-01/_SUCCESS', content: Buffer.from('hidden') });
  await write('t/dt=2026-01-03/unregistered.parquet', [
    `('u', 1, 1, 1::DECIMAL(10,2), 1::DOUBLE, true, now()::TIMESTAMP, current_date, ['x'], MAP(['k'], [1]), ${typed('NULL')}, '')`,
  ]);
  duckDb.close();
  const partitionKeys = [{ name: 'dt', type: 'string' }];
  catalog.set({ database: 'db', name: 't', columns, partitionKeys, location: 's3://lake/t/' });
  for (const dt of ['2026-01-01', '2026-01-02'])
    catalog.addPartition('db', 't', { values: [dt], location: `s3://lake/t/dt=${dt}/` });
  catalog.set({ database: 'db', name: 'nothing', columns, partitionKeys });
  catalog.set({
    database: 'db',
    name: 'projected',
    columns,
    partitionKeys,
    parameters: { 'projection.enabled': 'true' },
  });
  await objects.put({ bucket: 'lake', key: 'corrupt/x.parquet', content: Buffer.from('this is no parquet file') });
  catalog.set({ database: 'db', name: 'corrupt', columns, location: 's3://lake/corrupt/' });
  await objects.put({ bucket: 'lake', key: 'gone/x.parquet', content: Buffer.from('x') });
  rmSync(objects.filePath('lake', 'gone/x.parquet'));
  catalog.set({ database: 'db', name: 'gone', columns, location: 's3://lake/gone/' });
  view('v', "SELECT id, n FROM t WHERE dt = '2026-01-01' UNION ALL SELECT id, n * 10 FROM db.t WHERE n > 3");
  view('v2', 'SELECT count(*) c FROM v');
  view('loop', 'SELECT * FROM loop2');
  view('loop2', 'SELECT * FROM loop');
  view('evil', "SELECT * FROM read_text('/etc/passwd')");
  catalog.set({ database: 'db', name: 'plain', tableType: 'VIRTUAL_VIEW', viewText: 'SELECT 1' });
  catalog.set({ database: 'other', name: 't', columns: [{ name: 'x', type: 'int' }], location: 's3://lake/none/' });
}

function view(name: string, originalSql: string): void {
  const text = Buffer.from(JSON.stringify({ originalSql, catalog: 'awsdatacatalog', schema: 'db' })).toString('base64');
  catalog.set({ database: 'db', name, tableType: 'VIRTUAL_VIEW', viewText: `/* Presto View: ${text} */` });
}

async function start(sql: string, more: Partial<StartQueryExecutionInput> = {}): Promise<string> {
  const { QueryExecutionId = '' } = await client.send(
    new StartQueryExecutionCommand({
      QueryString: sql,
      WorkGroup: 'enforced',
      QueryExecutionContext: { Database: 'db' },
      ...more,
    }),
  );
  return QueryExecutionId;
}

async function ended(id: string): Promise<QueryExecution> {
  while (true) {
    const { QueryExecution } = await client.send(new GetQueryExecutionCommand({ QueryExecutionId: id }));
    const state = QueryExecution?.Status?.State ?? '';
    if (QueryExecution && !['QUEUED', 'RUNNING'].includes(state)) return QueryExecution;
    await sleep(5);
  }
}

/** The rows, header left out, each as its values joined by ` | `; null is nothing. */
async function rowsOf(sql: string): Promise<string[]> {
  const id = await start(sql);
  const { Status } = await ended(id);
  if (Status?.State !== 'SUCCEEDED') throw new Error(Status?.StateChangeReason);
  const { ResultSet } = await client.send(new GetQueryResultsCommand({ QueryExecutionId: id }));
  const rows =
    ResultSet?.Rows?.map((row) => (row.Data ?? []).map((cell) => cell.VarCharValue ?? '∅').join(' | ')) ?? [];
  return rows.slice(1);
}

async function failure(sql: string): Promise<string> {
  const { Status } = await ended(await start(sql));
  return `${Status?.State} ${Status?.StateChangeReason}`;
}

describe('queries', () => {
  it.each<readonly [sql: string, rows: readonly string[]]>([
    [
      'SELECT count(*), count(n), sum(n), avg(n), min(ts), max(price), sum(price) FROM t',
      ['4 | 3 | 7 | 2.3333333333333335 | 2026-01-01 10:59:00.000 | 4.00 | 7.75'],
    ],
    [
      'SELECT id, ok, day, big, ratio, price FROM t WHERE n < 3 ORDER BY id',
      ['a | true | 2026-01-01 | 9007199254740993 | 0.1 | 1.50', 'b | false | 2026-01-31 | 2 | 1.0E10 | 2.25'],
    ],
    [
      "SELECT ts, tags, m, s, added FROM t WHERE id IN ('b', 'c') ORDER BY id",
      ['2026-01-01 11:01:00.123 | [] | {k=3} | ∅ | ∅', '∅ | ∅ | ∅ | {city=null, lat=null, added=null} | ∅'],
    ],
    ['SELECT dt, count(*) FROM t GROUP BY dt HAVING count(*) > 1 ORDER BY 1', ['2026-01-01 | 3']],
    ["SELECT id FROM t WHERE dt >= '2026-01-02' AND dt < '2026-01-04'", ['d,"quoted"']],
    ["SELECT count(*) FROM t WHERE dt = '2026-01-03'", ['0']],
    ['SELECT count(*) FROM nothing', ['0']],
    [
      "SELECT a.id, b.id FROM t a LEFT JOIN t b ON a.n = b.n + 1 WHERE a.dt = '2026-01-01' ORDER BY 1",
      ['a | ∅', 'b | a', 'c | ∅'],
    ],
    ['SELECT count(*) FROM t a CROSS JOIN t b', ['16']],
    ['SELECT id FROM t x WHERE EXISTS (SELECT 1 FROM t y WHERE y.n = x.n + 1)', ['a']],
    ['WITH w AS (SELECT n FROM t WHERE n IS NOT NULL) SELECT max(n), (SELECT min(n) FROM w) FROM w', ['4 | 1']],
    [
      'SELECT row_number() OVER (PARTITION BY dt ORDER BY id), lag(id) OVER (ORDER BY id), sum(n) OVER (ORDER BY id ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) FROM t WHERE n < 3 ORDER BY id',
      ['1 | ∅ | 1', '2 | a | 3'],
    ],
    [
      'SELECT rank() OVER (ORDER BY ok), ntile(2) OVER (ORDER BY n) FROM t WHERE n IS NOT NULL ORDER BY n',
      ['2 | 1', '1 | 1', '2 | 2'],
    ],
    [
      "SELECT date_trunc('hour', ts), count(*) FROM t WHERE n < 3 GROUP BY 1 ORDER BY 1",
      ['2026-01-01 10:00:00.000 | 1', '2026-01-01 11:00:00.000 | 1'],
    ],
    [
      "SELECT date_trunc('month', ts), year(ts), month(day), hour(ts), day_of_week(day), week(day) FROM t WHERE id = 'a'",
      ['2026-01-01 00:00:00.000 | 2026 | 1 | 10 | 4 | 1'],
    ],
    [
      "SELECT date_diff('hour', TIMESTAMP '2026-01-01 10:59:00', TIMESTAMP '2026-01-01 11:01:00'), date_diff('minute', TIMESTAMP '2026-01-01 10:59:00', TIMESTAMP '2026-01-01 11:01:00'), date_diff('day', DATE '2026-01-01', DATE '2026-02-01')",
      ['0 | 2 | 31'],
    ],
    [
      "SELECT date_add('hour', -2, ts), ts + INTERVAL '1' DAY, ts - INTERVAL '30' MINUTE FROM t WHERE id = 'a'",
      ['2026-01-01 08:59:00.000 | 2026-01-02 10:59:00.000 | 2026-01-01 10:29:00.000'],
    ],
    [
      "SELECT from_iso8601_timestamp('2026-01-01T10:00:00+02:00'), CAST(from_iso8601_timestamp('2026-01-01T10:00:00Z') AS timestamp), from_iso8601_date('2026-01-01')",
      ['2026-01-01 08:00:00.000 UTC | 2026-01-01 10:00:00.000 | 2026-01-01'],
    ],
    [
      "SELECT date_format(ts, '%Y-%m-%d %H:%i:%s'), date_format(ts, '%W, %e %M %y %l%p %j %c') FROM t WHERE id = 'a'",
      ['2026-01-01 10:59:00 | Thursday, 1 January 26 10AM 001 1'],
    ],
    [
      "SELECT date_parse('2026-01-02 03:04:05', '%Y-%m-%d %H:%i:%s'), date_parse('02/Jan/2026 11 PM', '%d/%b/%Y %h %p')",
      ['2026-01-02 03:04:05.000 | 2026-01-02 23:00:00.000'],
    ],
    [
      "SELECT to_unixtime(ts), from_unixtime(0), to_iso8601(ts), extract(minute FROM ts) FROM t WHERE id = 'a'",
      ['1.76726514E9 | 1970-01-01 00:00:00.000 UTC | 2026-01-01T10:59:00.000 | 59'],
    ],
    [
      "SELECT count(*) FROM t WHERE ts BETWEEN TIMESTAMP '2026-01-01 11:00:00' AND TIMESTAMP '2026-01-02 00:00:00'",
      ['2'],
    ],
    [
      "SELECT json_extract_scalar(j, '$.n'), json_extract_scalar(j, '$.o.p'), json_extract_scalar(j, '$.o'), json_extract(j, '$.l'), json_array_length(json_extract(j, '$.l')) FROM t WHERE id = 'a'",
      ['1 | q | ∅ | [1,2] | 2'],
    ],
    [
      'SELECT approx_distinct(dt), approx_percentile(n, 0.5), count_if(n > 1), max_by(id, n), bool_or(ok), arbitrary(dt) FROM t WHERE n < 3',
      ['1 | 1 | 1 | b | true | 2026-01-01'],
    ],
    ["SELECT id FROM t WHERE regexp_like(id, '^[ab]$') ORDER BY 1", ['a', 'b']],
    [
      "SELECT regexp_extract('a1b22', '[0-9]{2}'), regexp_extract('k=v', '(\\w)=(\\w)', 2), regexp_extract('x', 'y'), regexp_replace('a1b2', '([0-9])', '<$1>')",
      ['22 | v | ∅ | a<1>b<2>'],
    ],
    ['SELECT id, tag FROM t CROSS JOIN UNNEST(tags) AS u(tag) ORDER BY 1, 2', ['a | x', 'a | y', 'd,"quoted" | z']],
    [
      "SELECT id, tag, i FROM t CROSS JOIN UNNEST(tags) WITH ORDINALITY AS u(tag, i) WHERE id = 'a' ORDER BY 3",
      ['a | x | 1', 'a | y | 2'],
    ],
    [
      "SELECT m['k'], element_at(m, 'none'), tags[1], element_at(tags, 9), element_at(tags, -1), cardinality(tags), cardinality(m), contains(tags, 'y') FROM t WHERE id = 'a'",
      ['1 | ∅ | x | ∅ | y | 2 | 2 | true'],
    ],
    ["SELECT s.city, t.s.lat, map_keys(m), map_values(m) FROM t WHERE id = 'a'", ['Rome | 1.5 | [k, l] | [1, 2]']],
    [
      "SELECT array_join(ARRAY['a', 'b'], '-'), array_sort(ARRAY[2, 1]), array_distinct(ARRAY[3, 1, 3, NULL, NULL]), sequence(1, 3), array_max(ARRAY[1, 5])",
      ['a-b | [1, 2] | [3, 1, null] | [1, 2, 3] | 5'],
    ],
    [
      "SELECT CAST('5' AS integer), TRY_CAST('x' AS integer), TRY(CAST('x' AS integer)), CAST(1.555 AS decimal(5, 2)), CAST(n AS varchar), CAST('2026-01-01 00:00:00' AS timestamp), CAST(ts AS date) FROM t WHERE id = 'a'",
      ['5 | ∅ | ∅ | 1.56 | 1 | 2026-01-01 00:00:00.000 | 2026-01-01'],
    ],
    ['SELECT 7 / 2, 7 % 4, 7 / 2e0, price * 2, price + 0.05 FROM t WHERE n = 1', ['3 | 3 | 3.5 | 3.00 | 1.55']],
    [
      "SELECT concat(id, '-', dt), id || 'x', upper(id), substr('hello', 2, 3), strpos('hello', 'l'), split('a,b', ','), split_part('a,b', ',', 2), length('héé'), lpad('7', 3, '0'), trim(' x ') FROM t WHERE id = 'a'",
      ['a-2026-01-01 | ax | A | ell | 3 | [a, b] | b | 3 | 007 | x'],
    ],
    [
      "SELECT coalesce(n, 0), nullif(n, 1), IF(n > 1, 'big', 'small'), CASE WHEN n IS NULL THEN 'none' ELSE 'some' END, greatest(n, 2), least(n, 2) FROM t WHERE dt = '2026-01-01' ORDER BY id",
      ['1 | ∅ | small | some | 2 | 1', '2 | 2 | big | some | 2 | 2', '0 | ∅ | small | none | ∅ | ∅'],
    ],
    ['SELECT id FROM t ORDER BY n DESC', ['d,"quoted"', 'b', 'a', 'c']],
    ['SELECT id FROM t ORDER BY n NULLS FIRST OFFSET 1 LIMIT 1', ['a']],
    ['SELECT DISTINCT dt FROM t ORDER BY 1 DESC', ['2026-01-02', '2026-01-01']],
    ['SELECT array_agg(id ORDER BY id) FILTER (WHERE n < 3) FROM t', ['[a, b]']],
    ['SELECT x FROM (VALUES (1), (2)) AS v(x) UNION ALL SELECT 3 ORDER BY x', ['1', '2', '3']],
    ["SELECT DB.T.ID FROM DB.T WHERE Id = 'a'", ['a']],
    ['SELECT count(*) FROM "awsdatacatalog"."db"."t"; ', ['4']],
    ['SELECT id, n FROM v ORDER BY id, n', ['a | 1', 'b | 2', 'c | ∅', 'd,"quoted" | 40']],
    ['SELECT c FROM v2', ['4']],
    ['-- a comment\nSELECT /* another */ 1', ['1']],
  ])('%s', async (sql, rows) => {
    expect(await rowsOf(sql)).toEqual(rows);
  });

  it('name and type their columns as Athena does', async () => {
    const id = await start(
      'SELECT 1, id AS "Name", count(*) OVER (), price, ts, tags, m, s, ratio, ok, day, current_date FROM t LIMIT 1',
    );
    await ended(id);
    const { ResultSet } = await client.send(new GetQueryResultsCommand({ QueryExecutionId: id }));

    expect(
      ResultSet?.ResultSetMetadata?.ColumnInfo?.map((one) => [one.Name, one.Type, one.Precision, one.Scale]),
    ).toEqual([
      ['_col0', 'integer', 10, 0],
      ['name', 'varchar', 2147483647, 0],
      ['_col2', 'bigint', 19, 0],
      ['price', 'decimal', 10, 2],
      ['ts', 'timestamp', 3, 0],
      ['tags', 'array', 0, 0],
      ['m', 'map', 0, 0],
      ['s', 'row', 0, 0],
      ['ratio', 'double', 17, 0],
      ['ok', 'boolean', 0, 0],
      ['day', 'date', 0, 0],
      ['_col11', 'date', 0, 0],
    ]);
    expect(ResultSet?.Rows?.[0]?.Data?.slice(0, 3)).toEqual([
      { VarCharValue: '_col0' },
      { VarCharValue: 'name' },
      { VarCharValue: '_col2' },
    ]);
  });

  it('give their results in pages, the header being the first row', async () => {
    const id = await start('SELECT x FROM UNNEST(sequence(1, 2500)) AS u(x) ORDER BY x');
    await ended(id);
    const page = async (NextToken?: string) =>
      client.send(new GetQueryResultsCommand({ QueryExecutionId: id, ...(NextToken ? { NextToken } : {}) }));
    const first = await page();
    const second = await page(first.NextToken);
    const third = await page(second.NextToken);

    const values = [first, second, third]
      .flatMap(({ ResultSet }) => ResultSet?.Rows ?? [])
      .map((row) => row.Data?.[0]?.VarCharValue);
    expect([first, second, third].map(({ ResultSet }) => ResultSet?.Rows?.length)).toEqual([1_000, 1_000, 501]);
    expect(values).toEqual(['x', ...Array.from({ length: 2_500 }, (_one, index) => String(index + 1))]);
    expect(third.NextToken).toBeUndefined();
    await expect(page('x')).rejects.toMatchObject({ name: 'InvalidRequestException' });
  });

  it('leave a CSV in the result location, and leave nothing in their folder', async () => {
    const id = await start("SELECT id, n, '' AS empty FROM t WHERE n IS NULL OR n = 4 ORDER BY id");
    const { ResultConfiguration, Statistics, StatementType, Query } = await ended(id);

    expect(ResultConfiguration?.OutputLocation).toBe(`s3://results/enforced/${id}.csv`);
    expect(String(await objects.get('results', `enforced/${id}.csv`))).toBe(
      '"id","n","empty"\n"c",,""\n"d,""quoted""","4",""\n',
    );
    expect(objects.keys('results', `enforced/${id}`)).toContain(`enforced/${id}.csv.metadata`);
    expect(Statistics?.DataScannedInBytes).toBeGreaterThan(500);
    expect({ StatementType, Query }).toEqual({ StatementType: 'DML', Query: expect.stringContaining('SELECT id') });
    expect(readdirSync(path.join(folder, 'athena', 'staging'))).toEqual([]);
  });
});

describe('SHOW and DESCRIBE', () => {
  it.each([
    ['SHOW DATABASES', ['db', 'other']],
    ['SHOW TABLES IN other', ['t']],
    ["SHOW TABLES 'v*'", ['v', 'v2']],
    ['SHOW PARTITIONS t', ['dt=2026-01-01', 'dt=2026-01-02']],
  ])('%s', async (sql, lines) => {
    const id = await start(sql);
    const { StatementType, ResultConfiguration } = await ended(id);
    const { ResultSet } = await client.send(new GetQueryResultsCommand({ QueryExecutionId: id }));

    expect(ResultSet?.Rows?.map((row) => row.Data?.[0]?.VarCharValue)).toEqual(lines);
    expect(StatementType).toBe('UTILITY');
    expect(String(await objects.get('results', `enforced/${id}.txt`))).toBe(`${lines.join('\n')}\n`);
    expect(ResultConfiguration?.OutputLocation).toMatch(/\.txt$/);
  });

  it('describe columns and partition keys', async () => {
    const id = await start('DESCRIBE db.t');
    await ended(id);
    const { ResultSet } = await client.send(new GetQueryResultsCommand({ QueryExecutionId: id }));

    const lines = ResultSet?.Rows?.map((row) => row.Data?.[0]?.VarCharValue?.split('\t').map((cell) => cell.trim()));
    expect(lines?.[0]).toEqual(['id', 'string', '']);
    expect(lines?.at(-1)).toEqual(['dt', 'string', '']);
  });
});

describe('failures', () => {
  it.each([
    ['SELECT nosuch(1)', /FUNCTION_NOT_FOUND: line 1:8: The local athena does not support function nosuch\./],
    ['SELECT 1,\n  histogram(id) FROM t', /FUNCTION_NOT_FOUND: line 2:3: .* histogram/],
    ['SELECT list_transform(tags, lambda x: x) FROM t', /FUNCTION_NOT_FOUND: .* list_transform/],
    ['SELECT * FROM nosuch', /TABLE_NOT_FOUND: Table 'awsdatacatalog\.db\.nosuch' does not exist/],
    ['SELECT nosuch FROM t', /SYNTAX_ERROR: .*nosuch/],
    ['SELECT id FRM t', /SYNTAX_ERROR: line 1:\d+: /],
    ["SELECT CAST('x' AS integer)", /INVALID_CAST_ARGUMENT: .*'x'/],
    ["SELECT ROW(1, 'x')", /NOT_SUPPORTED: a ROW without names/],
    ['SELECT * FROM corrupt', /HIVE_BAD_DATA: .*[Pp]arquet/],
    ['SELECT * FROM gone', /HIVE_CANNOT_OPEN_SPLIT: .*s3:\/\/lake\/gone\/x\.parquet/],
    ['SELECT * FROM projected', /NOT_SUPPORTED: projected: .* partition projection/],
    ['SELECT * FROM plain', /INVALID_VIEW: db\.plain has no Presto view text/],
    ['SELECT * FROM loop', /INVALID_VIEW|views nest deeper|does not exist/],
    ['SELECT 1; SELECT 2', /Only one sql statement is allowed/],
    ['SELECT x FROM UNNEST(sequence(1, 600000)) AS u(x)', /EXCEEDED_RESULT_ROWS: .*500000/],
    [
      "SELECT replace(rpad('', 2000, 'x'), 'x', '0123456789') || CAST(x AS varchar) FROM UNNEST(sequence(1, 9000)) AS u(x)",
      /EXCEEDED_RESULT_BYTES: .*128 MiB/,
    ],
    [
      'SELECT array_agg(x) FROM UNNEST(sequence(1, 5000)) AS u(x) CROSS JOIN UNNEST(sequence(1, 1000)) AS v(y)',
      /EXCEEDED_RESULT_BYTES: .*128 MiB/,
    ],
  ])('%s', async (sql, reason) => {
    const text = await failure(sql);

    expect(text).toMatch(/^FAILED /);
    expect(text).toMatch(reason);
    expect(text).not.toContain(folder);
  });

  it('give the reason as AthenaError, and no results', async () => {
    const id = await start('SELECT * FROM nosuch');
    const { Status } = await ended(id);

    expect(Status?.AthenaError).toMatchObject({
      ErrorMessage: expect.stringContaining('TABLE_NOT_FOUND'),
      Retryable: false,
    });
    await expect(client.send(new GetQueryResultsCommand({ QueryExecutionId: id }))).rejects.toMatchObject({
      name: 'InvalidRequestException',
      message: expect.stringContaining('Final query state: FAILED'),
    });
  });
});

describe("this machine's files", () => {
  const marker = 'only-this-machine-knows';
  let secret: string;
  beforeAll(() => {
    secret = path.join(folder, 'secret.csv');
    writeFileSync(secret, `${marker}\n`);
  });

  it.each([
    ["SELECT * FROM read_csv('FILE')"],
    ["SELECT * FROM read_csv_auto('FILE')"],
    ["SELECT * FROM read_text('FILE')"],
    ["SELECT * FROM read_blob('FILE')"],
    ["SELECT * FROM read_parquet('FILE')"],
    ["SELECT * FROM glob('FOLDER/*')"],
    ["SELECT * FROM 'FILE'"],
    ['SELECT * FROM "FILE"'],
    ['SELECT * FROM (WITH "FILE" AS (SELECT 1) SELECT 1), "FILE"'],
    ['WITH "FILE" AS (SELECT * FROM "FILE") SELECT * FROM "FILE"'],
    ["SELECT * FROM query('SELECT * FROM ''FILE''')"],
    ["SELECT * FROM t WHERE id = (SELECT content FROM read_text('FILE'))"],
    ["SELECT id FROM t ORDER BY (SELECT content FROM read_text('FILE'))"],
    ["SELECT 1 WHERE getenv('HOME') = ''"],
    ["SELECT current_setting('temp_directory')"],
    ['SELECT * FROM pragma_database_list()'],
    ["SELECT * FROM 'https://127.0.0.1:1/x.parquet'"],
    ["SELECT * FROM read_parquet('https://127.0.0.1:1/x.parquet')"],
    ["SELECT * FROM 's3://lake/t/dt=2026-01-01/1.parquet'"],
    ['SELECT * FROM evil'],
    ["SELECT 1; COPY (SELECT 1) TO 'FOLDER/made'"],
    ["(COPY (SELECT 1) TO 'FOLDER/made')"],
    ["WITH a AS (SELECT 1) COPY a TO 'FOLDER/made'"],
    ["SELECT 1; ATTACH 'FOLDER/made'"],
    ['SELECT 1; SET enable_external_access = true'],
  ])('are out of reach of %s', async (sql) => {
    const text = await failure(sql.replaceAll('FILE', secret).replaceAll('FOLDER', folder));

    expect(text).toMatch(
      /^FAILED (FUNCTION_NOT_FOUND|TABLE_NOT_FOUND|SYNTAX_ERROR|GENERIC_USER_ERROR: Permission Error)/,
    );
    expect(text).not.toContain(marker);
    expect(existsSync(path.join(folder, 'made'))).toBe(false);
  });

  it.each([
    ["COPY t TO 'x'", 'COPY T'],
    ["ATTACH 'x'", "ATTACH 'X'"],
    ['INSTALL httpfs', 'INSTALL HTTPFS'],
    ['LOAD httpfs', 'LOAD HTTPFS'],
    ['PRAGMA database_list', 'PRAGMA DATABASE_LIST'],
    ['SET threads = 1', 'SET THREADS'],
    ['CREATE TABLE x AS SELECT 1', 'CREATE TABLE'],
    ['INSERT INTO t VALUES (1)', 'INSERT INTO'],
    ['DROP TABLE t', 'DROP TABLE'],
    ['EXPLAIN SELECT 1', 'EXPLAIN SELECT'],
    ['/* SELECT */ CALL x()', 'CALL X()'],
    ['MSCK REPAIR TABLE t', 'MSCK REPAIR'],
  ])('and anything but reading are refused by name: %s', async (sql, words) => {
    await expect(start(sql)).rejects.toMatchObject({
      name: 'InvalidRequestException',
      message: expect.stringContaining(`does not run ${words}.`),
    });
  });
});

describe('executions', () => {
  const SLOW =
    'SELECT count(*) FROM UNNEST(sequence(1, 100000)) AS a(x), UNNEST(sequence(1, 100000)) AS b(y) WHERE x * y % 7 = 3';

  it('are cancelled, those that wait as well as those that run', async () => {
    const running = await Promise.all([start(SLOW), start(SLOW), start(SLOW)]);
    expect(service.idle?.()).toBe(false);
    await sleep(150);
    for (const id of running) await client.send(new StopQueryExecutionCommand({ QueryExecutionId: id }));

    for (const id of running) expect((await ended(id)).Status?.State).toBe('CANCELLED');
    for (let tries = 0; !service.idle?.(); tries++) {
      if (tries > 500) throw new Error('A cancelled query went on.');
      await sleep(10);
    }
    expect(await rowsOf('SELECT 1')).toEqual(['1']);
  });

  it('are cancelled at once after they have been started', async () => {
    const id = await start(SLOW);
    await client.send(new StopQueryExecutionCommand({ QueryExecutionId: id }));

    expect((await ended(id)).Status).toMatchObject({
      State: 'CANCELLED',
      StateChangeReason: 'Query cancelled by user',
    });
    for (let tries = 0; !service.idle?.(); tries++) {
      if (tries > 500) throw new Error('A cancelled query went on.');
      await sleep(10);
    }
  });

  it('stay finished when they are stopped later', async () => {
    const id = await start('SELECT 1');
    await ended(id);
    await client.send(new StopQueryExecutionCommand({ QueryExecutionId: id }));

    expect((await ended(id)).Status?.State).toBe('SUCCEEDED');
  });

  it('are one for one client token, which cannot mean another query', async () => {
    const ClientRequestToken = 'x'.repeat(32);
    const first = await start('SELECT 1', { ClientRequestToken });

    expect(await start('SELECT 1', { ClientRequestToken })).toBe(first);
    await expect(start('SELECT 2', { ClientRequestToken })).rejects.toMatchObject({ name: 'InvalidRequestException' });
  });

  it('are listed newest first, and found in batches', async () => {
    const older = await start('SELECT 1', { WorkGroup: 'free' });
    const newer = await start('SELECT 2', { WorkGroup: 'free' });
    await Promise.all([ended(older), ended(newer)]);

    const list = await client.send(new ListQueryExecutionsCommand({ WorkGroup: 'free', MaxResults: 1 }));
    const next = await client.send(new ListQueryExecutionsCommand({ WorkGroup: 'free', NextToken: list.NextToken }));
    const batch = await client.send(new BatchGetQueryExecutionCommand({ QueryExecutionIds: [older, 'none'] }));

    expect([list.QueryExecutionIds, next.QueryExecutionIds?.[0]]).toEqual([[newer], older]);
    expect(batch.QueryExecutions?.map((one) => one.QueryExecutionId)).toEqual([older]);
    expect(batch.UnprocessedQueryExecutionIds?.map((one) => one.QueryExecutionId)).toEqual(['none']);
  });

  it('fail when their results cannot be written', async () => {
    objects.refuse('Access Denied');
    const text = await failure('SELECT 1');
    objects.refuse(undefined);

    expect(text).toMatch(/^FAILED GENERIC_USER_ERROR: Unable to verify\/create output bucket results.*Access Denied/);
  });
});

describe('workgroups', () => {
  const output = async (WorkGroup: string, OutputLocation?: string): Promise<string | undefined> => {
    const id = await start('SELECT 1', {
      WorkGroup,
      ...(OutputLocation ? { ResultConfiguration: { OutputLocation } } : {}),
    });
    return (await ended(id)).ResultConfiguration?.OutputLocation?.replace(id, 'ID');
  };

  it('say where results go: always when they are enforced, else when the query does not', async () => {
    expect(await output('enforced', 's3://mine/here')).toBe('s3://results/enforced/ID.csv');
    expect(await output('free', 's3://mine/here')).toBe('s3://mine/here/ID.csv');
    expect(await output('free')).toBe('s3://results/free/ID.csv');
    expect(await output('primary', 's3://mine/')).toBe('s3://mine/ID.csv');
  });

  it('are needed where a query does not say', async () => {
    await expect(output('primary')).rejects.toThrow(/No output location provided/);
    await expect(output('nosuch', 's3://mine/')).rejects.toThrow('WorkGroup nosuch is not found.');
  });

  it('are described and listed', async () => {
    const { WorkGroup } = await client.send(new GetWorkGroupCommand({ WorkGroup: 'enforced' }));
    const { WorkGroups } = await client.send(new ListWorkGroupsCommand({}));

    expect(WorkGroup).toMatchObject({
      State: 'ENABLED',
      Configuration: {
        EnforceWorkGroupConfiguration: true,
        ResultConfiguration: { OutputLocation: 's3://results/enforced' },
      },
    });
    expect(WorkGroups?.map((one) => one.Name)).toEqual(['primary', 'enforced', 'free']);
  });

  it('and other things that are not kept are refused by name', async () => {
    const command = new CreateNamedQueryCommand({ Name: 'n', Database: 'db', QueryString: 'SELECT 1' });

    await expect(client.send(command)).rejects.toMatchObject({ name: 'UnknownOperationException' });
    await expect(start('SELECT ?', { ExecutionParameters: ['1'] })).rejects.toThrow(
      /ExecutionParameters are not supported/,
    );
    await expect(start('SELECT 1', { QueryExecutionContext: { Catalog: 'mine' } })).rejects.toThrow(
      /Catalog mine is not supported/,
    );
  });
});
