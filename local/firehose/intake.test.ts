import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { createIntake, type Intake, type IntakePlan } from './intake.ts';
import { parsePrefix } from './object-key.ts';
import { openSpoolFolder, type Spool, type SpoolFolder } from './spool.ts';

const AT = Date.UTC(2026, 10, 25, 3, 4, 5);
const COLUMNS = [
  { name: 'id', type: 'int' },
  { name: '_event_time', type: 'timestamp' },
  { name: 'note', type: 'string' },
];
const QUERY = '{dt:._event_time[0:10],hour:._event_time[11:13]}';
const PLAN: IntakePlan = {
  name: 'stream',
  bucket: 'bucket',
  prefix: parsePrefix('t/dt=!{partitionKeyFromQuery:dt}/hour=!{partitionKeyFromQuery:hour}/', 'data', ['dt', 'hour']),
  errorPrefix: parsePrefix('e/!{firehose:error-output-type}/dt=!{timestamp:yyyy-MM-dd}/', 'error', []),
  bufferBytesMax: 1_000,
  deAggregates: true,
  partitionQuery: QUERY,
  table: { catalogId: '000000000000', region: 'us-east-1', databaseName: 'db', tableName: 'table' },
  columns: COLUMNS,
};
const STATIC: Partial<IntakePlan> = {
  partitionQuery: undefined,
  deAggregates: false,
  prefix: parsePrefix('t/!{timestamp:HH}/', 'data', []),
};

let folder: string;
let spools: SpoolFolder;
let intake: Intake;
let opened: Spool[];

beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'intake-'));
  spools = openSpoolFolder(folder);
  intake = createIntake(spools);
  opened = [];
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

function take(records: readonly (string | Buffer)[], changes: Partial<IntakePlan> = {}): readonly string[] {
  if (opened.length === 0) intake.configure({ ...PLAN, bufferBytesMax: 1e9, ...changes });
  const parts = records.map((record) => Buffer.from(record));
  let end = 0;
  const taken = intake.take(
    'stream',
    AT,
    Buffer.concat(parts),
    parts.map((part) => (end += part.length)),
  );
  opened.push(...taken.opened);
  return taken.sealed;
}

const event = (id: number, time = '2026-01-02 03:04:05.000'): string =>
  JSON.stringify({ id, _event_time: time, note: 'n' });
const linesOf = (spool: Spool): string[] => readFileSync(spools.fileOf(spool.id), 'utf8').split('\n').slice(0, -1);
const rowsAt = (prefix: string): unknown[] =>
  opened
    .filter((spool) => spool.key.startsWith(prefix))
    .flatMap((spool) => linesOf(spool).map((line) => JSON.parse(line)));
const ids = (prefix: string): unknown[] => rowsAt(prefix).map((row) => Reflect.get(Object(row), 'id'));

describe('partitions', () => {
  it('sends each document of a record to the partition of its own time', () => {
    take([`${event(1)}\n${event(2, '2026-01-02 23:00:00')}\n${event(3)}\n`, event(4) + event(5)]);

    expect(ids('t/dt=2026-01-02/hour=03/')).toEqual([1, 3, 4, 5]);
    expect(ids('t/dt=2026-01-02/hour=23/')).toEqual([2]);
  });

  it('reads the keys of documents that need the parser', () => {
    take([
      `{"_event_time":"2026-01-02T03:04:05Z","id":"7"}`,
      `{\n"id": 8, "_event_time": "2026-01-02 03:59:00", "other": {}}`,
      `{"id":9,"_event_time":"2026-01-02 03:00:00","note":"caf\\u00e9 \\ud83d\\ude00"}`,
      `{"id":10,"_event_time":"2026-01-02 03:00:00","note":"café 😀"}`,
    ]);

    expect(rowsAt('t/dt=2026-01-02/hour=03/')).toEqual([
      { id: '7', _event_time: '2026-01-02 03:04:05' },
      { id: 8, _event_time: '2026-01-02 03:59:00' },
      { id: 9, _event_time: '2026-01-02 03:00:00', note: 'café 😀' },
      { id: 10, _event_time: '2026-01-02 03:00:00', note: 'café 😀' },
    ]);
  });

  it('slices keys by character, not by byte', () => {
    take(['{"note":"é😀xyz"}', '{"note":"ab"}'], {
      partitionQuery: '{k:.note[1:3]}',
      prefix: parsePrefix('k=!{partitionKeyFromQuery:k}/', 'data', ['k']),
    });

    expect(opened.map((spool) => spool.key.split('/')[0])).toEqual(['k=😀x', 'k=b']);
  });

  it('names objects by stream, version, arrival and a unique end', () => {
    take([event(1)]);

    expect(opened[0]?.key).toMatch(
      /^t\/dt=2026-01-02\/hour=03\/stream-1-2026-11-25-03-04-05-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\.parquet$/,
    );
  });

  it.each([
    ['null', '{"id":1,"_event_time":null}'],
    ['missing', '{"id":1}'],
    ['empty', '{"id":1,"_event_time":""}'],
    ['sliced away', '{"id":1,"_event_time":"2026-01-02"}'],
    ['no text', '{"id":1,"_event_time":5}'],
    ['in an array', '[1]'],
    ['not JSON', '{"id":1'],
  ])('sends a document whose key is %s to the error prefix', (_name, document) => {
    take([`${event(1)}\n${document}`]);

    expect(ids('t/')).toEqual([1]);
    expect(rowsAt('e/processing-failed/dt=2026-11-25/')).toEqual([
      {
        attemptsMade: 1,
        arrivalTimestamp: AT,
        attemptEndingTimestamp: AT,
        errorCode: 'DynamicPartitioning.MetadataExtractionFailed',
        errorMessage: expect.any(String),
        rawData: Buffer.from(document).toString('base64'),
        lambdaArn: null,
      },
    ]);
  });

  it('sends what would open a partition beyond 500 to the error prefix, and frees places by delivering', () => {
    const at = (index: number): string =>
      event(
        index,
        `20${String(Math.floor(index / 20)).padStart(2, '0')}-01-${String((index % 20) + 1).padStart(2, '0')} 00:00:00`,
      );

    take(Array.from({ length: 502 }, (_one, index) => at(index)));

    expect(ids('t/')).toHaveLength(500);
    expect(rowsAt('e/activePartitionExceeded/')).toMatchObject([
      { errorCode: 'DynamicPartitioning.ActivePartitionLimitExceeded' },
      { rawData: Buffer.from(at(501)).toString('base64') },
    ]);
    const [first] = opened;
    intake.seal(first?.id);
    take([at(501)]);
    expect(ids('t/')).toHaveLength(501);
  });

  it('refuses a prefix over 512 characters', () => {
    take([event(1, `2026-01-02 03${'0'.repeat(600)}`)], {
      partitionQuery: '{k:._event_time}',
      columns: [{ name: '_event_time', type: 'string' }],
      prefix: parsePrefix('!{partitionKeyFromQuery:k}/', 'data', ['k']),
    });

    expect(rowsAt('e/processing-failed/')).toHaveLength(1);
  });
});

describe('de-aggregation', () => {
  it('takes 500 documents a record, and fails a record of 501 as a whole', () => {
    const aggregate = (documents: number): string =>
      Array.from({ length: documents }, (_one, id) => event(id)).join('\n');

    take([aggregate(500), aggregate(501)]);

    expect(ids('t/')).toHaveLength(500);
    expect(rowsAt('e/processing-failed/')).toMatchObject([
      { errorCode: 'RecordDeAggregation.TooManySubRecords', rawData: Buffer.from(aggregate(501)).toString('base64') },
    ]);
  });

  it('refuses several documents in a record where partition keys are read without it', () => {
    take([event(1) + event(2), event(3)], { deAggregates: false });

    expect(ids('t/')).toEqual([3]);
    expect(rowsAt('e/processing-failed/')).toHaveLength(1);
  });

  it('takes any number of documents a record where no keys are read', () => {
    take([Array.from({ length: 2_000 }, (_one, id) => event(id)).join('')], STATIC);

    expect(ids('t/03/')).toEqual(Array.from({ length: 2_000 }, (_one, id) => id));
  });
});

describe('documents that do not convert', () => {
  it('leave alone, in the documented shape', () => {
    take([`${event(1)}\n{"id":"oops","_event_time":"2026-01-02 03:04:05"}\n${event(2)}`]);

    expect(ids('t/')).toEqual([1, 2]);
    expect(rowsAt('e/format-conversion-failed/dt=2026-11-25/')).toEqual([
      {
        attemptsMade: 1,
        arrivalTimestamp: AT,
        attemptEndingTimestamp: AT,
        lastErrorCode: 'DataFormatConversion.MalformedData',
        lastErrorMessage: 'id: expected int; received "oops"',
        rawData: Buffer.from('{"id":"oops","_event_time":"2026-01-02 03:04:05"}').toString('base64'),
        sequenceNumber: null,
        subSequenceNumber: null,
        dataCatalogTable: {
          catalogId: '000000000000',
          region: 'us-east-1',
          databaseName: 'db',
          tableName: 'table',
          versionId: 'LATEST',
          catalogArn: null,
        },
      },
    ]);
    expect(opened.find((spool) => spool.content === 'errors')?.key).not.toMatch(/\.parquet$/);
  });

  it.each([
    ['empty', '', 'MalformedData'],
    ['white space', ' \n\n', 'MalformedData'],
    ['a number', '5', 'MalformedData'],
    ['not UTF-8', Buffer.from([0x7b, 0xff, 0x7d]), 'MalformedData'],
    ['not JSON', 'oops', 'ParseError'],
    ['nested without end', `{"note":${'[{"a":'.repeat(50_000)}1${'}]'.repeat(50_000)}}`, 'MalformedData'],
  ])('fail a record that is %s, and nothing else', (_name, record, code) => {
    take([record, event(1)], STATIC);

    expect(ids('t/')).toEqual([1]);
    expect(rowsAt('e/format-conversion-failed/')).toMatchObject([
      { lastErrorCode: `DataFormatConversion.${code}`, rawData: Buffer.from(record).toString('base64') },
    ]);
  });
});

describe('spools', () => {
  it('are full at the buffer size in bytes received, and another is opened then', () => {
    const size = event(1).length;

    expect(take([event(1)], { bufferBytesMax: 2 * size })).toEqual([]);
    expect(take([event(2)])).toEqual([opened[0]?.id]);
    expect(take([event(3)])).toEqual([]);

    expect(opened.map((spool) => linesOf(spool).length)).toEqual([2, 1]);
  });

  it('are closed when the table changes, and hold the columns that they were made for', () => {
    take([event(1)]);
    const columns = [...COLUMNS, { name: 'extra', type: 'int' }];

    expect(intake.configure({ ...PLAN, columns })).toEqual([opened[0]?.id]);
    take([JSON.stringify({ id: 2, _event_time: '2026-01-02 03:04:05', extra: 1 })]);

    expect(opened.map((spool) => spool.columns)).toEqual([COLUMNS, columns]);
    expect(rowsAt('t/')).toMatchObject([{ id: 1 }, { id: 2, extra: 1 }]);
  });

  it('are reported even when the disk refuses, and nothing of the put is written later', () => {
    let refuses = true;
    const disk: SpoolFolder = {
      ...spools,
      append(id, rows, bytesBefore) {
        if (refuses) throw new Error('ENOSPC: no space left on device');
        spools.append(id, rows, bytesBefore);
      },
    };
    intake = createIntake(disk);
    intake.configure({ ...PLAN, ...STATIC });

    const refused = intake.take('stream', AT, Buffer.from(event(1)), [event(1).length]);
    refuses = false;
    intake.take('stream', AT, Buffer.from(event(2)), [event(2).length]);

    expect(refused).toMatchObject({ problem: 'ENOSPC: no space left on device', sealed: [] });
    opened.push(...refused.opened);
    expect(ids('t/')).toEqual([2]);
  });

  it('leave out a line that was cut short when they are found again', () => {
    take([event(1)]);
    const [spool] = opened;
    if (!spool) throw new Error('nothing was opened');
    spools.append(spool.id, Buffer.from('{"id":2,"no'), 0);

    expect(openSpoolFolder(folder).leftovers()).toEqual([spool]);
    expect(ids('t/')).toEqual([1]);
  });
});
