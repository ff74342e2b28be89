import { describe, expect, it } from '@jest/globals';
import { evaluatePrefix, objectName, parsePrefix } from './object-key.ts';

const AT = Date.UTC(2026, 0, 2, 3, 4, 5, 6);
const evaluate = (prefix: string, use: 'data' | 'error' = 'data'): string =>
  evaluatePrefix(
    parsePrefix(prefix, use, ['dt', 'k']),
    { atMs: AT, partitionKeys: { dt: '2025-12-31', k: 'v' }, errorOutputType: 'processing-failed' },
    () => 0,
  );

describe('prefixes', () => {
  it.each([
    ['t/dt=!{partitionKeyFromQuery:dt}/!{partitionKeyFromQuery:k}/', 't/dt=2025-12-31/v/'],
    ['t/!{timestamp:yyyy-MM-dd}/!{timestamp:HH}', 't/2026-01-02/03'],
    ["!{timestamp:yyyy'year'M''d}/", "2026year1'2/"],
    ["!{timestamp:'dt='yyyyMMddHHmmssSSS}", 'dt=20260102030405006'],
    ['!{firehose:random-string}/', 'AAAAAAAAAAA/'],
    ['raw', 'raw2026/01/02/03/'],
    ['', '2026/01/02/03/'],
  ])('%s', (prefix, expected) => {
    expect(evaluate(prefix)).toBe(expected);
  });

  it('say in the error prefix what kind of error it is', () => {
    expect(evaluate('e/!{firehose:error-output-type}/!{timestamp:yyyy}/', 'error')).toBe('e/processing-failed/2026/');
  });

  it.each([
    ['!{partitionKeyFromQuery:other}/', 'data', /names no key of the query; keys: dt, k/],
    ['!{partitionKeyFromLambda:k}/', 'data', /is not supported locally/],
    ['!{firehose:error-output-type}/', 'data', /is not allowed here/],
    ['!{timestamp:YYYY}/', 'data', /YYYY is not supported locally/],
    ['!{timestamp:EEE}/', 'data', /EEE is not supported/],
    ['!{unknown}/', 'data', /is not supported locally/],
    ['!{firehose:error-output-type}/!{partitionKeyFromQuery:k}/', 'error', /is not allowed in ErrorOutputPrefix/],
    ['e/!{timestamp:yyyy}/', 'error', /needs !\{firehose:error-output-type\}/],
  ] as const)('refuse %s in the %s prefix', (prefix, use, reason) => {
    expect(() => evaluate(prefix, use)).toThrow(reason);
  });
});

describe('objectName', () => {
  it('is the stream, its version, the time and what is unique', () => {
    expect(objectName('s', AT, 'uuid', '.parquet')).toBe('s-1-2026-01-02-03-04-05-uuid.parquet');
  });
});
