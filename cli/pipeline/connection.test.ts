import { describe, expect, test } from '@jest/globals';
import { clientSettings, parseVerb } from './connection.ts';
import { renderReconcileReport } from './reconcile-report.ts';

const LOCAL = { accessKeyId: 'local', secretAccessKey: 'local' };

describe('how a verb reaches its endpoint', () => {
  test.each([
    ['AWS, as its CLI does', {}, {}, {}],
    ['AWS in a region', { region: 'eu-west-1' }, { AWS_REGION: 'us-east-2' }, { region: 'eu-west-1' }],
    [
      'a local endpoint, with credentials and a region of its own',
      { 'endpoint-url': 'http://127.0.0.1:4566' },
      {},
      { endpoint: 'http://127.0.0.1:4566', region: 'us-east-1', credentials: LOCAL },
    ],
    [
      'a local endpoint of the environment, with its credentials and region',
      {},
      { AWS_ENDPOINT_URL: 'http://localhost:1', AWS_ACCESS_KEY_ID: 'me', AWS_DEFAULT_REGION: 'eu-west-1' },
      { endpoint: 'http://localhost:1', region: 'eu-west-1' },
    ],
    [
      'another endpoint, which made-up credentials are no use for',
      { 'endpoint-url': 'https://aws.example.org' },
      {},
      { endpoint: 'https://aws.example.org' },
    ],
  ])('is %s', (_, options, environment, settings) => {
    expect(clientSettings(options, environment)).toEqual(settings);
  });

  test.each(['127.0.0.1:4566', 'ftp://127.0.0.1', 'here'])('is no %s', (url) => {
    expect(() => clientSettings({ 'endpoint-url': url }, {})).toThrow(`--endpoint-url: received ${url}`);
  });

  test('refuses an option that the verb has not, in one line', () => {
    expect(() => parseVerb('tape', ['--colour'], {})).toThrow(
      /^Unknown option '--colour'\. See npm run pipeline -- tape --help$/,
    );
  });
});

test('a report in words begins its last line with the residual, and shows some records of each finding', () => {
  const lines = renderReconcileReport({
    residual: 12,
    residuals: { records: 0, ledger: 0, rows: 12 },
    at: '2026-11-25T08:00:00.000Z',
    scope: { from: null, to: null, runId: null },
    shards: [],
    datasets: [{ dataset: 'flights', received: 1_200, delivered: 1_200, quarantined: 0, dropped: 0, duplicate: 0 }],
    tables: [],
    duplicatesAtRest: 0,
    inFlight: { records: 3, oldestArrivedAt: '2026-11-25T07:00:00.000Z' },
    lag: { entries: 2 },
    findings: [
      { kind: 'rows_missing', message: 'flights: gone', count: 12, residual: 12, recordIds: 'abcdefgh'.split('') },
    ],
    findingsLeftOff: 0,
  });

  expect(lines).toContain('flights     1,200      1,200            0        0          0');
  expect(lines.slice(-5)).toEqual([
    'in flight: 3 records, since 2026-11-25T07:00:00.000Z',
    'the ledger has 2 entries of the journal still to fold',
    'WRONG flights: gone',
    '      a b c d e and 7 more',
    'residual 12: 0 records, 0 of the ledger, 12 rows',
  ]);
});
