import { stripVTControlCharacters } from 'node:util';
import { describe, expect, it } from '@jest/globals';
import { bytes, renderLine, renderScreen, type Snapshot, table } from './view.ts';

const SNAPSHOT: Snapshot = {
  endpoint: 'http://127.0.0.1:4566',
  apiUrl: 'http://127.0.0.1:4566/_aws/execute-api/abc/prod',
  streamName: 'data-pipeline-stream',
  stateFolder: '.local/live',
  uptimeSeconds: 75,
  put: 12_345,
  received: 12_340,
  delivered: 12_300,
  quarantined: 40,
  eventsPerSecond: 39.6,
  streamBytes: 5 * 1024 * 1024,
  lagMs: 1_500,
  files: 181,
  fileBytes: 900_000,
  failures: [{ dataset: '', stage: 'decode', code: 'INVALID_JSON', message: 'x'.repeat(300) }],
  result: { columns: ['origin', 'flights'], rows: [['ATL', '12']] },
  resultTitle: 'busiest routes',
  note: 'feeding real records',
};

const plain = (snapshot: Snapshot, columns: number): string[] =>
  renderScreen(snapshot, columns).map((line) => stripVTControlCharacters(line));

describe('the screen', () => {
  it('shows every figure', () => {
    const screen = plain(SNAPSHOT, 100).join('\n');

    for (const shown of [
      'running for 1 min 15 s, feeding real records',
      /since this start\n\s+fed\s+12,345 {2}by this npm start; others may put as well/,
      /received\s+12,340 {2}40 a second, lag 2 s/,
      /delivered\s+12,300/,
      /failed\s+40 /,
      /kept, of all starts\n\s+files\s+181 {2}878\.9 KiB of Parquet, 5\.0 MiB on the stream/,
      '(no dataset) decode INVALID_JSON xxx',
      'ATL          12',
      'aws --endpoint-url http://127.0.0.1:4566 kinesis list-streams',
    ]) {
      expect(screen).toMatch(shown);
    }
  });

  it.each([40, 80, 100, 200])('has no line wider than the terminal: %i columns', (columns) => {
    expect(plain(SNAPSHOT, columns).filter((line) => line.length > columns)).toEqual([]);
  });

  it('has room for all that figures say in 80 columns', () => {
    const figures = plain(SNAPSHOT, 80).slice(2, 9);

    expect(figures.filter((line) => line.endsWith('…'))).toEqual([]);
  });

  it('says what it waits for before anything has landed', () => {
    const screen = plain({ ...SNAPSHOT, failures: [], result: undefined }, 100).join('\n');

    expect(screen).toContain('none landed yet');
    expect(screen).toContain('the first files land after the buffer interval');
  });
});

describe('a line of the log', () => {
  it('holds the same figures', () => {
    expect(renderLine(SNAPSHOT)).toBe(
      'since this start: fed 12,345, received 12,340, delivered 12,300, failed 40, lag 2 s, in all 181 files (878.9 KiB)',
    );
  });
});

describe('a table', () => {
  it('aligns numbers to the right and text to the left', () => {
    const result = {
      columns: ['name', 'n'],
      rows: [
        ['a', '1'],
        ['long name', '-22.5'],
      ],
    };

    expect(table(result)).toEqual(['name           n', '---------  -----', 'a              1', 'long name  -22.5']);
  });
});

describe('bytes', () => {
  it.each([
    [0, '0 B'],
    [1_023, '1023 B'],
    [1_024, '1.0 KiB'],
    [1_048_576, '1.0 MiB'],
    [5_000_000_000_000_000, '4547.5 TiB'],
  ])('%i is %s', (value, text) => {
    expect(bytes(value)).toBe(text);
  });
});
